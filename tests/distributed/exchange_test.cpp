#include <doctest/doctest.h>

#include <cmath>
#include <mutex>

#include "distributed/thread_ranks.hpp"
#include "satsuma/core/half.hpp"
#include "satsuma/core/rng.hpp"
#include "src/distributed/gradient_exchange.hpp"

namespace satsuma::distributed {

namespace {

using testing::ThreadRanks;
using Wire = GradientExchange::Wire;

Tensor noise(const Shape& shape, std::uint64_t seed) {
  Rng rng(seed);
  Tensor tensor = Tensor::empty(shape);
  for (std::int64_t i = 0; i < tensor.numel(); ++i) tensor.data<float>()[i] = rng.normal();
  return tensor;
}

/// Sums of all ranks as one of them has them, and whether all have the same.
struct Result {
  std::vector<std::vector<float>> gradients;
  std::vector<float> mean;
  bool same = true;
};

const std::vector<Shape> kShapes = {{7}, {3, 5}, {1}, {40, 9}, {11}};

Result exchanged(int ranks, Wire wire, std::int64_t bucket_bytes) {
  Result result;
  std::mutex mutex;
  ThreadRanks(ranks).run([&](Communicator& all) {
    const auto rank = static_cast<std::uint64_t>(all.rank());
    std::vector<Tensor> parameters;
    std::vector<std::int64_t> images;
    for (int r = 0; r < ranks; ++r) images.push_back(r + 1);
    for (const Shape& shape : kShapes) parameters.push_back(Tensor::zeros(shape).set_requires_grad());
    Tensor mean = noise({5}, 100 + rank);
    GradientExchange exchange(all, parameters, {mean}, images, {wire, bucket_bytes});
    exchange.begin();
    // The last is left out: the graph does not reach it.
    for (std::size_t i = 0; i + 1 < parameters.size(); ++i) {
      parameters[i].set_grad(noise(kShapes[i], 10 * rank + i));
      exchange.on_gradient(*parameters[i].autograd());
    }
    exchange.finish();
    const std::lock_guard lock(mutex);
    std::vector<std::vector<float>> own;
    for (const Tensor& parameter : parameters)
      own.push_back(parameter.grad().defined() ? parameter.grad().to_vector<float>() : std::vector<float>());
    if (!result.gradients.empty()) {
      result.same = result.same && own == result.gradients && mean.to_vector<float>() == result.mean;
    }
    result.gradients = own;
    result.mean = mean.to_vector<float>();
  });
  return result;
}

}  // namespace

TEST_CASE("gradients are the sums of all ranks' in their order, rounded once") {
  for (const int ranks : {2, 3, 7}) {
    for (const std::int64_t bucket : {4, 100, 1 << 20}) {
      const Result result = exchanged(ranks, Wire::f32, bucket);
      CHECK(result.same);
      for (std::size_t i = 0; i + 1 < kShapes.size(); ++i) {
        std::vector<double> sums(static_cast<std::size_t>(kShapes[i].numel()));
        for (int r = 0; r < ranks; ++r) {
          const auto own = noise(kShapes[i], 10 * static_cast<std::uint64_t>(r) + i).to_vector<float>();
          for (std::size_t e = 0; e < sums.size(); ++e) sums[e] += static_cast<double>(own[e]);
        }
        CHECK(result.gradients[i] == std::vector<float>(sums.begin(), sums.end()));
      }
      CHECK(result.gradients.back().empty());
      std::vector<double> mean(5);
      for (int r = 0; r < ranks; ++r) {
        const auto own = noise({5}, 100 + static_cast<std::uint64_t>(r)).to_vector<double>();
        for (std::size_t e = 0; e < 5; ++e) mean[e] += (r + 1) * own[e];
      }
      for (double& value : mean) value /= ranks * (ranks + 1) / 2;
      CHECK(result.mean == std::vector<float>(mean.begin(), mean.end()));
    }
  }
}

TEST_CASE("in bf16 each gradient and each sum is rounded, and running statistics are not") {
  const Result exact = exchanged(3, Wire::f32, 100);
  const Result rounded = exchanged(3, Wire::bf16, 100);
  CHECK(rounded.same);
  CHECK(rounded.mean == exact.mean);
  double worst = 0;
  for (std::size_t i = 0; i + 1 < kShapes.size(); ++i) {
    for (std::size_t e = 0; e < exact.gradients[i].size(); ++e) {
      const float value = rounded.gradients[i][e];
      CHECK(static_cast<float>(BFloat16(value)) == value);
      worst = std::max(worst, static_cast<double>(std::abs(value - exact.gradients[i][e])));
    }
  }
  // Three numbers below 4 and their sum below 12 are each off by half a unit of 2^-8 at most.
  CHECK(worst > 0);
  CHECK(worst <= 3 * 4 * 0x1p-9 + 12 * 0x1p-9);
}

TEST_CASE("lists, sums and texts of ranks") {
  ThreadRanks(3).run([](Communicator& all) {
    const std::int64_t rank = all.rank();
    CHECK(all.gather_lists(std::vector<std::int64_t>(static_cast<std::size_t>(rank), rank)) ==
          std::vector<std::int64_t>{1, 2, 2});
    CHECK(all.sum({1.0, static_cast<double>(rank), 0.5, 2.0}) == std::vector<double>{3, 3, 1.5, 6});
    CHECK(all.of_first(std::string(static_cast<std::size_t>(rank + 2), 'x')) == "xx");
    CHECK(all.gather(static_cast<int>(rank)) == std::vector<int>{0, 1, 2});
  });
}

}  // namespace satsuma::distributed

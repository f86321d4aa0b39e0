#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "cpu/naive.hpp"
#include "satsuma/sparse/packed.hpp"
#include "satsuma/sparse/sampling.hpp"
#include "src/core/thread_count.hpp"
#include "src/cpu/gradient_split.hpp"
#include "src/cpu/implementations.hpp"
#include "src/cpu/pruned_backward.hpp"
#include "src/cpu/sampled_weight_gradient.hpp"
#include "src/cpu/shares.hpp"
#include "support/random_tensor.hpp"

// More threads than this machine has cores, on layers of which each thread gets a share.

namespace satsuma::cpu {

namespace {

using satsuma::testing::Layer;
using satsuma::testing::random_tensor;

/// {in, out, kernel, stride, padding}, then the images.
const Layer kLayers[] = {
    {{32, 36, {3, 3}, {1, 1}, {1, 1}}, {64, 32, 8, 8}},
    {{72, 40, {3, 3}, {2, 2}, {1, 1}}, {50, 72, 9, 8}},
    {{128, 80, {3, 3}, {1, 1}, {1, 1}}, {64, 128, 2, 2}},
    {{96, 130, {1, 1}, {2, 2}, {0, 0}}, {64, 96, 8, 8}},
    {{136, 96, {1, 1}, {1, 1}, {0, 0}}, {64, 136, 1, 17}},
    {{3, 40, {3, 3}, {1, 1}, {1, 1}}, {64, 3, 12, 12}},
};
constexpr Pattern kPattern{2, 8};
const SampleKey kKey{5, 6, 7};
const int kCounts[] = {1, 2, 3, 5, 8, 16};

struct Operands {
  Tensor x, dy, w;

  explicit Operands(const Layer& layer)
      : x(random_tensor(layer.x, 1, DType::f32, MemoryFormat::batch_blocked)),
        dy(random_tensor(layer.geometry.output_shape("test", layer.x), 2, DType::f32,
                         MemoryFormat::batch_blocked)),
        w(random_tensor(layer.geometry.weight_shape(), 3, DType::f32, MemoryFormat::channels_last)) {}
};

Tensor gradient(const Layer& layer, const Tensor& x, const Tensor& dy, const GradientOrder& order = {}) {
  Tensor dw = Tensor::full(layer.geometry.weight_shape(), 99, DType::f32, MemoryFormat::channels_last);
  weight_gradient({layer.geometry}, {}, x, dy, dw, order);
  return dw;
}

Tensor sampled(const Layer& layer, const Tensor& x, const Tensor& dy) {
  Tensor dw = Tensor::full(layer.geometry.weight_shape(), 99, DType::f32, MemoryFormat::channels_last);
  sampled_weight_gradient({layer.geometry}, x, dy, kPattern, kKey, dw);
  return dw;
}

Tensor magnitudes(const Tensor& tensor) {
  std::vector<double> values = tensor.to_vector<double>();
  for (double& value : values) value = std::abs(value);
  Tensor result = Tensor::empty(tensor.shape(), DType::f32, MemoryFormat::batch_blocked);
  result.copy_from(Tensor::from(values, tensor.shape()));
  return result;
}

/// The largest |a - b| over the sum of the magnitudes of its terms.
double difference(const std::vector<float>& a, const std::vector<float>& b,
                  const std::vector<float>& magnitudes) {
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double error = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    const double relative = error / (static_cast<double>(magnitudes[i]) + 1);
    if (!(relative <= worst)) worst = relative;
  }
  return worst;
}

/// Half an ulp for each of some hundred sums in a row, on either side.
constexpr double kTolerance = 4e-6;

}  // namespace

TEST_CASE("forward and backward passes have the same bits for each number of threads") {
  const ThreadCount restore;
  for (const Layer& layer : kLayers) {
    CAPTURE(to_string(layer.geometry));
    const Operands operands(layer);
    const LayerPlan plan(layer.geometry);
    const PackedWeight ff = compress_reference(operands.w, GroupAxis::input_channels, kPattern);
    const PackedWeight bp = compress_reference(operands.w, GroupAxis::output_channels, kPattern);
    const auto outputs = [&](const Shape& shape, const std::function<void(Tensor&)>& pass) {
      Tensor result = Tensor::full(shape, 99, DType::f32, MemoryFormat::batch_blocked);
      pass(result);
      return result.to_vector<float>();
    };
    const std::function<std::vector<float>()> passes[] = {
        [&] {
          return outputs(operands.dy.shape(),
                         [&](Tensor& y) { forward(plan, operands.x, {.dense = &operands.w}, {}, y); });
        },
        [&] {
          return outputs(operands.dy.shape(),
                         [&](Tensor& y) { forward(plan, operands.x, {.packed = &ff}, {}, y); });
        },
        [&] {
          return outputs(operands.x.shape(),
                         [&](Tensor& dx) { backward_data(plan, operands.dy, {.dense = &operands.w}, dx); });
        },
        [&] {
          return outputs(operands.x.shape(),
                         [&](Tensor& dx) { backward_data(plan, operands.dy, {.packed = &bp}, dx); });
        },
        [&] {
          return outputs(operands.x.shape(), [&](Tensor& dx) {
            pruned_backward_data(plan, operands.dy, kPattern, operands.w, dx);
          });
        }};
    for (const auto& pass : passes) {
      set_threads(1);
      const auto one = pass();
      for (const int count : kCounts) {
        CAPTURE(count);
        set_threads(count);
        CHECK(pass() == one);
      }
    }
  }
}

TEST_CASE("weight gradients repeat their bits for each number of threads, and are near those of one") {
  const ThreadCount restore;
  int differ = 0;  // results that are sums of several, and show it
  for (const Layer& layer : kLayers) {
    CAPTURE(to_string(layer.geometry));
    const Operands operands(layer);
    const Tensor x = magnitudes(operands.x);
    const Tensor dy = magnitudes(operands.dy);
    for (const auto& run : {std::function([&](const Tensor&a, const Tensor&b) {
                              return gradient(layer, a, b).to_vector<float>();
                            }),
                            std::function([&](const Tensor&a, const Tensor&b) {
                              return sampled(layer, a, b).to_vector<float>();
                            })}) {
      set_threads(1);
      const auto one = run(operands.x, operands.dy);
      const auto terms = run(x, dy);
      for (const int count : kCounts) {
        CAPTURE(count);
        set_threads(count);
        const auto first = run(operands.x, operands.dy);
        CHECK(run(operands.x, operands.dy) == first);
        CHECK(difference(first, one, terms) <= kTolerance);
        if (count <= 2) CHECK(first == one);
        if (first != one) ++differ;
      }
    }
  }
  CHECK(differ > 0);
}

TEST_CASE("a weight gradient that is to be one sum has the same bits for each number of threads") {
  const ThreadCount restore;
  for (const Layer& layer : kLayers) {
    CAPTURE(to_string(layer.geometry));
    const Operands operands(layer);
    set_threads(1);
    const auto one = gradient(layer, operands.x, operands.dy).to_vector<float>();
    for (const int count : kCounts) {
      set_threads(count);
      CHECK(gradient(layer, operands.x, operands.dy, {.one_sum = true}).to_vector<float>() == one);
    }
  }
}

TEST_CASE("shares are all of the pieces, one after the other, and none is much above the mean") {
  const std::vector<std::vector<Piece>> lines = {{{100, 10}},
                                                 {{7, 1}, {100, 10}, {0, 4}, {93, 3}},
                                                 std::vector<Piece>(40, {17, 5}),
                                                 {{0, 3}},
                                                 {{5, 2}, {5, 2}}};
  for (const auto& line : lines) {
    std::int64_t total = 0;
    double unit = 0;
    for (const Piece& piece : line) {
      total += piece.work;
      unit = std::max(unit, static_cast<double>(piece.work) / static_cast<double>(piece.units));
    }
    for (std::int64_t count = 1; count <= 24; ++count) {
      CAPTURE(count);
      const std::vector<Share> shares = equal_shares(line, count);
      REQUIRE(static_cast<std::int64_t>(shares.size()) == count);
      Mark at;
      for (const Share& share : shares) {
        CHECK(share.first.piece == at.piece);
        CHECK(share.first.unit == at.unit);
        at = share.last;
        double work = 0;
        for (std::int64_t i = share.first.piece; i < share.end_piece(); ++i) {
          const Piece& piece = line[static_cast<std::size_t>(i)];
          const auto [begin, end] = share.units(i, piece);
          CHECK(begin <= end);
          work += static_cast<double>(piece.work * (end - begin)) / static_cast<double>(piece.units);
        }
        // A cut is half a unit away from where it should be at most, or 1/32 of a share.
        const double mean = static_cast<double>(total) / static_cast<double>(count);
        CHECK(work <= mean * 17 / 16 + unit + 1);
      }
      CHECK(at.piece == static_cast<std::int64_t>(line.size()));
      CHECK(at.unit == 0);
    }
  }
}

TEST_CASE("each product of a weight gradient is somebody's, and each partial sum is written") {
  const ThreadCount restore;
  set_threads(1);  // what is called writes to the test's own
  std::vector<std::int64_t> uneven(40, 1 << 10);
  uneven[0] = 1 << 18;
  for (const auto& steps :
       {std::vector<std::int64_t>(37, 1 << 14), uneven, std::vector<std::int64_t>(8, 0)}) {
    GradientWork work;
    work.rows = 21;
    work.row_unit = 2;
    work.channels = 40;
    work.channel_unit = 16;
    work.steps = steps;
    work.inputs = 4096;
    const std::int64_t size = work.rows * work.channels;
    for (std::int64_t count = 1; count <= 64; ++count) {
      CAPTURE(count);
      const GradientSplit split(work, count);
      CHECK((split.sums() - 1) * size <= most_partial_floats(size));
      if (count <= 2) CHECK(split.sums() == 1);
      // Each sum is the number of its steps, if it is written.
      std::vector<float> dw(static_cast<std::size_t>(size), -1);
      split.run(dw.data(), size, [&](const GradientShare& share, float* target) {
        for (std::int64_t row = share.rows.first; row < share.rows.last; ++row) {
          for (std::int64_t channel = share.channels.first; channel < share.channels.last; ++channel)
            target[row * work.channels + channel] = static_cast<float>(share.steps.size());
        }
        CHECK(share.steps.size() > 0);
      });
      CHECK(dw == std::vector<float>(dw.size(), static_cast<float>(steps.size())));
    }
  }
}

}  // namespace satsuma::cpu

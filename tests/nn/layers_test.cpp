#include <doctest/doctest.h>

#include <cmath>

#include "satsuma/core/error.hpp"
#include "satsuma/nn/batch_norm.hpp"
#include "satsuma/nn/conv2d.hpp"
#include "satsuma/nn/dropout.hpp"
#include "satsuma/nn/initialise.hpp"
#include "satsuma/nn/layer_norm.hpp"
#include "satsuma/nn/linear.hpp"
#include "support/random_tensor.hpp"

namespace satsuma::nn {

namespace {

using testing::random_tensor;

struct Moments {
  double mean = 0, deviation = 0, largest = 0;
};

Moments moments(const Tensor& tensor) {
  Moments m;
  const auto values = tensor.to_vector<double>();
  for (const double v : values) {
    m.mean += v / static_cast<double>(values.size());
    m.largest = std::max(m.largest, std::abs(v));
  }
  for (const double v : values)
    m.deviation += (v - m.mean) * (v - m.mean) / static_cast<double>(values.size());
  m.deviation = std::sqrt(m.deviation);
  return m;
}

}  // namespace

TEST_CASE("weights are drawn as documented and depend on the seed alone") {
  Rng rng(1), again(1), other(2);
  const Tensor weight = kaiming_normal({64, 32, 3, 3}, rng);
  const Moments conv = moments(weight);
  const double deviation = std::sqrt(2.0 / (64 * 9));
  // 18,432 draws: the mean is within 5 standard errors, the deviation within 3 %.
  CHECK(std::abs(conv.mean) < 5 * deviation / std::sqrt(18432.0));
  CHECK(conv.deviation == doctest::Approx(deviation).epsilon(0.03));
  CHECK(kaiming_normal({64, 32, 3, 3}, again).to_vector<float>() == weight.to_vector<float>());
  CHECK(kaiming_normal({64, 32, 3, 3}, other).to_vector<float>() != weight.to_vector<float>());

  const Linear linear(256, 64, rng);
  for (const Parameter& parameter : linear.parameters()) {
    const Moments m = moments(parameter.value);
    CHECK(m.largest <= 1.0 / 16);
    CHECK(m.largest > 0.9 / 16);
  }
}

TEST_CASE("a linear layer shows its weight as [K, C], shared with the seam") {
  Rng rng(1);
  Linear linear(4, 3, rng);
  const auto parameters = linear.parameters();
  REQUIRE(parameters.size() == 2);
  CHECK(to_string(parameters[0].value.shape()) == "[3, 4]");
  CHECK(to_string(linear.contraction()->weight().shape()) == "[3, 4, 1, 1]");
  CHECK(parameters[0].value.raw() == linear.contraction()->weight().raw());
  CHECK(to_string(linear(Tensor::zeros({2, 7, 4})).shape()) == "[2, 7, 3]");
}

TEST_CASE("convolutions have a bias on request") {
  Rng rng(1);
  const Geometry geometry = {.in_channels = 4, .out_channels = 3, .kernel = {3, 3}, .padding = {1, 1}};
  Conv2d without(geometry, rng), with(geometry, rng, true);
  CHECK(without.parameters().size() == 1);
  REQUIRE(with.parameters().size() == 2);
  CHECK(with.parameters()[1].name == "bias");
  Tensor bias = with.parameters()[1].value;
  bias.fill(2);
  CHECK(with(Tensor::zeros({1, 4, 2, 2})).to_vector<float>() == std::vector<float>(12, 2));
}

TEST_CASE("batch normalisation moves its statistics in training only") {
  BatchNorm2d bn(3);
  const Tensor x = random_tensor({17, 3, 4, 4}, 1, DType::f32, MemoryFormat::batch_blocked);
  const auto state = bn.state();
  REQUIRE(state.size() == 5);
  const auto value = [&](std::size_t i) { return state[i].value.to_vector<double>(); };
  CHECK(state[4].name == "num_batches_tracked");
  CHECK(state[4].value.dtype() == DType::i64);
  CHECK(state[4].value.rank() == 0);

  const Tensor y = bn(x);
  CHECK(std::abs(moments(y).mean) < 1e-6);
  CHECK(moments(y).deviation == doctest::Approx(1).epsilon(1e-3));
  CHECK(value(4).front() == 1);
  CHECK(value(2).front() != 0);
  const auto mean = value(2), var = value(3);

  bn.train(false);
  bn(x);
  CHECK(value(2) == mean);
  CHECK(value(3) == var);
  CHECK(value(4).front() == 1);
}

TEST_CASE("batch normalisation, residual and ReLU in one") {
  BatchNorm2d bn(2);
  bn.train(false);
  const Tensor x = random_tensor({3, 2, 2, 2}, 1, DType::f32);
  const Tensor residual = random_tensor({3, 2, 2, 2}, 2, DType::f32);
  const auto plain = bn(x).to_vector<double>();
  const auto relu = bn.relu(x).to_vector<double>();
  const auto sum = bn.relu(x, residual).to_vector<double>();
  const auto r = residual.to_vector<double>();
  for (std::size_t i = 0; i < plain.size(); ++i) {
    CHECK(relu[i] == doctest::Approx(std::max(plain[i], 0.0)).epsilon(1e-6));
    CHECK(sum[i] == doctest::Approx(std::max(plain[i] + r[i], 0.0)).epsilon(1e-6));
  }
}

TEST_CASE("layer normalisation and dropout") {
  LayerNorm norm(8);
  CHECK(norm.parameters().size() == 2);
  CHECK(moments(norm(random_tensor({3, 2, 8}, 1, DType::f32))).deviation == doctest::Approx(1).epsilon(1e-3));

  const auto rng = std::make_shared<Rng>(1);
  Dropout dropout(0.5, rng);
  const Tensor x = Tensor::full({16, 64}, 1, DType::f32, MemoryFormat::batch_blocked);
  std::int64_t zeros = 0;
  for (const float v : dropout(x).to_vector<float>()) {
    CHECK((v == 0 || v == 2));
    zeros += v == 0;
  }
  CHECK(zeros > 400);
  CHECK(zeros < 624);
  dropout.train(false);
  CHECK(dropout(x).to_vector<float>() == x.to_vector<float>());
  for (const double wrong : {-0.1, 1.0, std::nan("")}) CHECK_THROWS_AS(Dropout(wrong, rng), UsageError);
}

}  // namespace satsuma::nn

#include "satsuma/train/loss_scale.hpp"

#include <cmath>
#include <limits>

#include "satsuma/core/error.hpp"
#include "train/support.hpp"

namespace satsuma::train {

using namespace testing;

TEST_CASE("the scale halves at once and doubles after two thousand good steps in a row") {
  LossScale scale;
  CHECK(scale.value == 65536);
  for (int i = 0; i < 1999; ++i) scale.update(true);
  CHECK(scale == LossScale{65536, 1999, 0});
  scale.update(false);
  CHECK(scale == LossScale{32768, 0, 1});
  for (int i = 0; i < 2000; ++i) scale.update(true);
  CHECK(scale == LossScale{65536, 0, 1});
  for (int i = 0; i < 2000; ++i) scale.update(true);
  CHECK(scale == LossScale{131072, 0, 1});
}

TEST_CASE("a scale stays a number that gradients can be multiplied with") {
  LossScale high{0x1p+127, 1999, 0};
  high.update(true);
  CHECK(high == LossScale{0x1p+127, 0, 0});
  LossScale low;
  const std::string message = message_of<NumericError>([&] {
    for (int i = 0; i < 100; ++i) low.update(false);
  });
  CHECK(contains(message, "not finite"));
  CHECK(contains(message, "--lr"));
  CHECK(low.skipped == 41);
}

TEST_CASE("gradients are divided, each once, and the ones they share elements with are left alone") {
  const Tensor shared = Tensor::full({2, 3}, 48.0);
  std::vector<nn::Parameter> parameters(4);
  for (nn::Parameter& parameter : parameters) parameter.value = Tensor::zeros({2, 3}).set_requires_grad();
  parameters[0].value.set_grad(shared);
  parameters[1].value.set_grad(shared);
  parameters[2].value.set_grad(Tensor::full({2, 3}, 32.0, DType::f64));
  CHECK(unscale_gradients(parameters, 16));
  CHECK(parameters[0].value.grad().to_vector<float>() == std::vector<float>(6, 3.0f));
  CHECK(parameters[1].value.grad().to_vector<float>() == std::vector<float>(6, 3.0f));
  CHECK(parameters[2].value.grad().to_vector<double>() == std::vector<double>(6, 2.0));
  CHECK_FALSE(parameters[3].value.grad().defined());
  CHECK(shared.to_vector<float>()[0] == 48.0f);
}

TEST_CASE("one gradient that is not finite is found wherever it stands") {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const float bad : {kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN()}) {
    for (const std::int64_t at : {0, 4999, 40000}) {
      std::vector<nn::Parameter> parameters(2);
      for (nn::Parameter& parameter : parameters) {
        parameter.value = Tensor::zeros({40001}).set_requires_grad();
        parameter.value.set_grad(Tensor::full({40001}, -3e38));
      }
      CHECK(unscale_gradients(parameters, 2));
      parameters[1].value.grad().data<float>()[at] = bad;
      CHECK_FALSE(unscale_gradients(parameters, 2));
    }
  }
}

}  // namespace satsuma::train

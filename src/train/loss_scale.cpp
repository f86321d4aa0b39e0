#include "satsuma/train/loss_scale.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <cmath>

#include "satsuma/core/error.hpp"
#include "satsuma/core/parallel.hpp"

namespace satsuma::train {

namespace {

constexpr double kLargest = 0x1p+127;  // what f32 holds
constexpr double kLeast = 0x1p-24;

/// The gradient over `scale` in a tensor of its own: gradients may share their elements with others.
Tensor unscaled(const Tensor& grad, double scale, std::atomic<bool>& finite) {
  Tensor result = Tensor::empty_like(grad);
  const Tensor ordered = grad.in_layout_of(result);
  dispatch_real("loss scale", grad.dtype(), [&](auto element) {
    using T = decltype(element);
    const T* const from = ordered.data<T>();
    T* const to = result.data<T>();
    const T factor = static_cast<T>(1 / scale);
    parallel_for(result.extent(), 1 << 14, [&](std::int64_t begin, std::int64_t end) {
      // A number times zero is zero, but for infinity and NaN; sums of them stay NaN.
      T zeros = 0;
      for (std::int64_t i = begin; i < end; ++i) {
        to[i] = from[i] * factor;
        zeros += from[i] * T{0};
      }
      if (!(zeros == 0)) finite = false;
    });
  });
  return result;
}

}  // namespace

void LossScale::update(bool finite) {
  if (!finite) {
    value /= 2;
    good_steps = 0;
    ++skipped;
    if (value < kLeast) {
      throw NumericError(
          fmt::format("gradients are not finite at a loss scale of {:.3g} either, {} steps were skipped; try "
                      "a lower --lr, "
                      "or --precision fp32 on --device cpu",
                      2 * value, skipped));
    }
    return;
  }
  if (++good_steps < kInterval) return;
  good_steps = 0;
  if (value < kLargest) value *= 2;
}

bool unscale_gradients(const std::vector<nn::Parameter>& parameters, double scale) {
  std::atomic<bool> finite = true;
  for (const nn::Parameter& parameter : parameters) {
    const Tensor grad = parameter.value.grad();
    if (grad.defined()) parameter.value.set_grad(unscaled(grad, scale, finite));
  }
  return finite;
}

bool multiplies_fp16(const nn::Module& model) {
  const auto layers = model.contractions();
  return std::any_of(layers.begin(), layers.end(),
                     [](const auto& layer) { return layer->plan().operands == DType::f16; });
}

}  // namespace satsuma::train

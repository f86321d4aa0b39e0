#include "satsuma/device/sgd_rule.hpp"

#include <fmt/format.h>

#include "satsuma/core/parallel.hpp"

namespace satsuma {

namespace {

void check_operand(const char* what, const Tensor& tensor, const Tensor& weight) {
  if (!(tensor.shape() == weight.shape()) || tensor.dtype() != weight.dtype()) {
    throw ShapeError(fmt::format("[update] got {} {} of {}, expected {} of {} as the weight", what,
                                 to_string(tensor.shape()), to_string(tensor.dtype()),
                                 to_string(weight.shape()), to_string(weight.dtype())));
  }
}

/// True when equal indices are equal offsets; strides of axes with one element do not matter.
bool same_order(const Tensor& a, const Tensor& b) {
  bool same = a.lanes() == b.lanes();
  for (int i = 0; i < a.rank(); ++i) {
    same = same && (a.shape()[i] == 1 || a.layout().strides[i] == b.layout().strides[i]);
  }
  return same;
}

}  // namespace

void check_update(const Tensor& weight, const Tensor& grad, const Tensor& velocity) {
  check_operand("gradient", grad, weight);
  if (velocity.defined()) check_operand("velocity", velocity, weight);
}

void apply_sgd(Tensor weight, const Tensor& grad, Tensor velocity, const SgdStep& step,
               const Tensor& mask_ff) {
  check_update(weight, grad, velocity);
  const bool with_momentum = velocity.defined();
  if (!weight.is_dense() || (with_momentum && !same_order(velocity, weight))) {
    throw ShapeError("[update] weight and velocity are written in place and must share one dense layout");
  }
  const bool with_decay = mask_ff.defined() && step.decay != 0;
  if (with_decay) check_operand("mask", mask_ff, weight);

  dispatch_real("sgd", weight.dtype(), [&](auto element) {
    using T = decltype(element);
    const Tensor ordered_grad = grad.in_layout_of(weight);
    const Tensor ordered_mask = with_decay ? mask_ff.in_layout_of(weight) : Tensor();
    const T* const g_in = ordered_grad.data<T>();
    const T* const mask = with_decay ? ordered_mask.data<T>() : nullptr;
    T* const w = weight.data<T>();
    T* const v = with_momentum ? velocity.data<T>() : nullptr;
    const T lr = static_cast<T>(step.lr);
    const T momentum = static_cast<T>(step.momentum);
    const T weight_decay = static_cast<T>(step.weight_decay);
    const T decay = static_cast<T>(step.decay);
    parallel_for(weight.extent(), 1 << 14, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        T g = g_in[i] + weight_decay * w[i];
        if (mask) g += decay * (T{1} - mask[i]) * w[i];
        if (v) {
          v[i] = momentum * v[i] + g;
          g = step.nesterov ? g + momentum * v[i] : v[i];
        }
        w[i] -= lr * g;
      }
    });
  });
}

}  // namespace satsuma

#pragma once

#include "src/ops/kernels/kernels.hpp"
#include "src/ops/support.hpp"

namespace satsuma::ops {

/// y = kernel(a) over the storage of a dense tensor and one that is empty_like() it; `kernel(table, a, y, n)`
/// runs one piece of it.
template <typename Kernel>
void map(const char* op, const Tensor& a, Tensor& y, Kernel kernel) {
  dispatch_real(op, a.dtype(), [&](auto element) {
    using T = decltype(element);
    const T* const from = a.data<T>();
    T* const to = y.data<T>();
    parallel_for(a.extent(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      kernel(kernels::active<T>(), from + begin, to + begin, end - begin);
    });
  });
}

/// y = kernel(a, b) for two dense tensors of one arrangement.
template <typename Kernel>
void map(const char* op, const Tensor& a, const Tensor& b, Tensor& y, Kernel kernel) {
  dispatch_real(op, a.dtype(), [&](auto element) {
    using T = decltype(element);
    const T* const left = a.data<T>();
    const T* const right = b.data<T>();
    T* const to = y.data<T>();
    parallel_for(a.extent(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      kernel(kernels::active<T>(), left + begin, right + begin, to + begin, end - begin);
    });
  });
}

/// The derivative of max(., 0) where its output was y.
inline Tensor relu_grad(const Tensor& y, const Tensor& g) {
  Tensor dx = Tensor::empty_like(y);
  map("relu", y, arranged_as(y, g), dx,
      [](const auto& k, auto* out, auto* grad, auto* to, std::int64_t n) { k.relu_grad(out, grad, to, n); });
  return dx;
}

}  // namespace satsuma::ops

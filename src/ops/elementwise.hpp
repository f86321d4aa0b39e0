#pragma once

#include <type_traits>

#include "src/ops/kernels/kernels.hpp"
#include "src/ops/saved_tensor.hpp"
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

/// True for a pointer to what bits_of() gives.
template <typename Pointer>
inline constexpr bool is_bits = std::is_same_v<Pointer, const std::uint16_t*>;

/// kernel(saved, g) as map() has it, where what is saved may be the bits of bf16.
template <typename Kernel>
Tensor map_saved(const char* op, const SavedTensor& saved, const Tensor& grad, Kernel kernel) {
  const Tensor& a = saved.kept();
  const Tensor g = arranged_as(a, grad);
  Tensor result = empty_as(a, g.dtype());
  if (saved.narrow()) {
    const std::uint16_t* const left = bits_of(a);
    const float* const right = g.data<float>();
    float* const to = result.data<float>();
    parallel_for(a.extent(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      kernel(kernels::active<float>(), left + begin, right + begin, to + begin, end - begin);
    });
  } else {
    map(op, a, g, result, kernel);
  }
  return result;
}

/// The derivative of max(., 0) where its output was y.
inline Tensor relu_grad(const SavedTensor& y, const Tensor& g) {
  return map_saved("relu", y, g, [](const auto& k, auto* out, auto* grad, auto* to, std::int64_t n) {
    if constexpr (is_bits<decltype(out)>) {
      k.relu_grad_narrow(out, grad, to, n);
    } else {
      k.relu_grad(out, grad, to, n);
    }
  });
}

}  // namespace satsuma::ops

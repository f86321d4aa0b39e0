#pragma once

#include "src/ops/kernels/functions.hpp"
#include "src/ops/kernels/kernels.hpp"
#include "src/ops/kernels/narrow.hpp"

namespace satsuma::kernels {

template <int Width, typename T>
struct Elementwise {
  using Size = std::int64_t;

  static void relu(const T* __restrict x, T* __restrict y, Size n) {
    for (Size i = 0; i < n; ++i) y[i] = x[i] < T(0) ? T(0) : x[i];
  }

  template <typename S>
  static void relu_grad(const S* __restrict y, const T* __restrict g, T* __restrict dx, Size n) {
    for (Size i = 0; i < n; ++i) dx[i] = widened<Width, T>(y[i]) > T(0) ? g[i] : T(0);
  }

  static void gelu(const T* __restrict x, T* __restrict y, Size n) {
    for (Size i = 0; i < n; ++i) {
      y[i] = T(0.5) * x[i] * (T(1) + error_function<Width>(x[i] * T(0.70710678118654752440)));
    }
  }

  /// d/dx x Phi(x) = Phi(x) + x phi(x).
  template <typename S>
  static void gelu_grad(const S* __restrict x, const T* __restrict g, T* __restrict dx, Size n) {
    for (Size i = 0; i < n; ++i) {
      const T v = widened<Width, T>(x[i]);
      const T cumulative = T(0.5) * (T(1) + error_function<Width>(v * T(0.70710678118654752440)));
      const T density = T(0.39894228040143267794) * exponential<Width>(T(-0.5) * v * v);
      dx[i] = g[i] * (cumulative + v * density);
    }
  }

  static void add(const T* __restrict a, const T* __restrict b, T* __restrict y, Size n) {
    for (Size i = 0; i < n; ++i) y[i] = a[i] + b[i];
  }

  static void add_relu(const T* __restrict a, const T* __restrict b, T* __restrict y, Size n) {
    for (Size i = 0; i < n; ++i) {
      const T sum = a[i] + b[i];
      y[i] = sum < T(0) ? T(0) : sum;
    }
  }

  static void mul(const T* __restrict a, const T* __restrict b, T* __restrict y, Size n) {
    for (Size i = 0; i < n; ++i) y[i] = a[i] * b[i];
  }

  static void scale(const T* __restrict x, T factor, T* __restrict y, Size n) {
    for (Size i = 0; i < n; ++i) y[i] = factor * x[i];
  }

  static void axpy(const T* __restrict x, T factor, T* __restrict y, Size n) {
    for (Size i = 0; i < n; ++i) y[i] += factor * x[i];
  }
};

}  // namespace satsuma::kernels

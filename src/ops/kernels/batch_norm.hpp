#pragma once

#include "src/ops/kernels/kernels.hpp"
#include "src/ops/kernels/narrow.hpp"

namespace satsuma::kernels {

/// Sums over pixels run down the pixels with one accumulator for each channel and lane; four pixels at a time
/// are added before they meet the accumulator, which saves its traffic and rounding.
template <int Width, typename T>
struct BatchNorm {
  using Size = std::int64_t;

  static void moments(const T* x, Patch patch, const T* __restrict shift, T* __restrict sum,
                      T* __restrict square) {
    for (Size i = 0; i < patch.width; ++i) sum[i] = square[i] = T(0);
    Size p = 0;
    for (; p + 4 <= patch.pixels; p += 4) {
      const T* const x0 = x + p * patch.step;
      const T* const x1 = x0 + patch.step;
      const T* const x2 = x1 + patch.step;
      const T* const x3 = x2 + patch.step;
      for (Size i = 0; i < patch.width; ++i) {
        const T a = x0[i] - shift[i];
        const T b = x1[i] - shift[i];
        const T c = x2[i] - shift[i];
        const T d = x3[i] - shift[i];
        sum[i] += (a + b) + (c + d);
        square[i] += (a * a + b * b) + (c * c + d * d);
      }
    }
    for (; p < patch.pixels; ++p) {
      const T* const row = x + p * patch.step;
      for (Size i = 0; i < patch.width; ++i) {
        const T a = row[i] - shift[i];
        sum[i] += a;
        square[i] += a * a;
      }
    }
  }

  template <bool kResidual, bool kRelu>
  static void normalise_as(const T* x, const T* residual, T* y, Patch patch, const T* __restrict mean,
                           const T* __restrict scale, const T* __restrict bias) {
    for (Size p = 0; p < patch.pixels; ++p) {
      const T* __restrict const from = x + p * patch.step;
      const T* __restrict const other = kResidual ? residual + p * patch.step : nullptr;
      T* __restrict const to = y + p * patch.step;
      for (Size i = 0; i < patch.width; ++i) {
        T value = scale[i] * (from[i] - mean[i]) + bias[i];
        if constexpr (kResidual) value += other[i];
        if constexpr (kRelu) value = value < T(0) ? T(0) : value;
        to[i] = value;
      }
    }
  }

  static void normalise(const T* x, const T* residual, T* y, Patch patch, const T* mean, const T* scale,
                        const T* bias, bool relu) {
    if (residual != nullptr) {
      relu ? normalise_as<true, true>(x, residual, y, patch, mean, scale, bias)
           : normalise_as<true, false>(x, residual, y, patch, mean, scale, bias);
    } else {
      relu ? normalise_as<false, true>(x, residual, y, patch, mean, scale, bias)
           : normalise_as<false, false>(x, residual, y, patch, mean, scale, bias);
    }
  }

  template <bool kMask, bool kWrite, typename S>
  static void grad_moments_as(const T* g, const S* x, const S* y, T* masked, Patch patch,
                              const T* __restrict mean, T* __restrict sum, T* __restrict dot) {
    for (Size i = 0; i < patch.width; ++i) sum[i] = dot[i] = T(0);
    const auto open = [&](Size at) {
      T value = g[at];
      if constexpr (kMask) value = widened<Width, T>(y[at]) > T(0) ? value : T(0);
      return value;
    };
    const auto away = [&](Size at, Size i) { return widened<Width, T>(x[at + i]) - mean[i]; };
    Size p = 0;
    for (; p + 2 <= patch.pixels; p += 2) {
      const Size first = p * patch.step;
      const Size second = first + patch.step;
#pragma omp simd
      for (Size i = 0; i < patch.width; ++i) {
        const T a = open(first + i);
        const T b = open(second + i);
        if constexpr (kWrite) masked[first + i] = a;
        if constexpr (kWrite) masked[second + i] = b;
        sum[i] += a + b;
        dot[i] += a * away(first, i) + b * away(second, i);
      }
    }
    for (; p < patch.pixels; ++p) {
      const Size first = p * patch.step;
#pragma omp simd
      for (Size i = 0; i < patch.width; ++i) {
        const T a = open(first + i);
        if constexpr (kWrite) masked[first + i] = a;
        sum[i] += a;
        dot[i] += a * away(first, i);
      }
    }
  }

  template <typename S>
  static void grad_moments(const T* g, const S* x, const S* y, T* masked, Patch patch, const T* mean, T* sum,
                           T* dot) {
    if (y == nullptr) return grad_moments_as<false, false>(g, x, y, masked, patch, mean, sum, dot);
    masked != nullptr ? grad_moments_as<true, true>(g, x, y, masked, patch, mean, sum, dot)
                      : grad_moments_as<true, false>(g, x, y, masked, patch, mean, sum, dot);
  }

  template <bool kMask, typename S>
  static void normalise_grad_as(const T* g, const S* x, const S* y, T* dx, Patch patch,
                                const T* __restrict mean, const T* __restrict a, const T* __restrict b,
                                const T* __restrict c) {
    for (Size p = 0; p < patch.pixels; ++p) {
      const T* __restrict const grad = g + p * patch.step;
      const S* __restrict const from = x + p * patch.step;
      const S* __restrict const gate = kMask ? y + p * patch.step : nullptr;
      T* __restrict const to = dx + p * patch.step;
      for (Size i = 0; i < patch.width; ++i) {
        T value = grad[i];
        if constexpr (kMask) value = widened<Width, T>(gate[i]) > T(0) ? value : T(0);
        to[i] = a[i] * value + (b[i] * (widened<Width, T>(from[i]) - mean[i]) + c[i]);
      }
    }
  }

  template <typename S>
  static void normalise_grad(const T* g, const S* x, const S* y, T* dx, Patch patch, const T* mean,
                             const T* a, const T* b, const T* c) {
    y != nullptr ? normalise_grad_as<true>(g, x, y, dx, patch, mean, a, b, c)
                 : normalise_grad_as<false>(g, x, y, dx, patch, mean, a, b, c);
  }

  static void fold_lanes(const T* lanes, Size channels, Size valid, double* out) {
    for (Size c = 0; c < channels; ++c) {
      const T* const row = lanes + c * kLanes;
      T sum = T(0);
      if (valid == kLanes) {
#pragma omp simd reduction(+ : sum)
        for (int lane = 0; lane < kLanes; ++lane) sum += row[lane];
      } else {
        for (Size lane = 0; lane < valid; ++lane) sum += row[lane];
      }
      out[c] = static_cast<double>(sum);
    }
  }
};

}  // namespace satsuma::kernels

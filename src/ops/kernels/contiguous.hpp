#pragma once

#include "src/ops/kernels/functions.hpp"
#include "src/ops/kernels/kernels.hpp"
#include "src/ops/kernels/vector.hpp"

namespace satsuma::kernels {

/// Rows and matrices whose neighbouring numbers belong to one image: activations without lanes.
template <int Width, typename T>
struct Contiguous {
  using Size = std::int64_t;
  using R = Register<Width, T>;
  using Vector = typename R::Vector;

  static void softmax_row(const T* x, T* y, Size n, T* log_sum) {
    T top = x[0];
#pragma omp simd reduction(max : top)
    for (Size i = 0; i < n; ++i) top = x[i] > top ? x[i] : top;
    T sum = T(0);
#pragma omp simd reduction(+ : sum)
    for (Size i = 0; i < n; ++i) {
      const T power = exponential<Width>(x[i] - top);
      y[i] = power;
      sum += power;
    }
    if constexpr (sizeof(T) == sizeof(float)) {
      *log_sum = top + __builtin_logf(sum);
    } else {
      *log_sum = top + __builtin_log(sum);
    }
    const T factor = T(1) / sum;
    for (Size i = 0; i < n; ++i) y[i] *= factor;
  }

  /// Mean and deviation in two passes over a row, which is in the cache by the second.
  static void layer_norm_row(const T* x, T* __restrict y, Size n, const T* gamma, const T* beta, T eps,
                             T* mean, T* inverse) {
    T centre = T(0);
#pragma omp simd reduction(+ : centre)
    for (Size i = 0; i < n; ++i) centre += x[i];
    centre /= static_cast<T>(n);
    T spread = T(0);
#pragma omp simd reduction(+ : spread)
    for (Size i = 0; i < n; ++i) spread += (x[i] - centre) * (x[i] - centre);
    spread = spread / static_cast<T>(n) + eps;
    if constexpr (sizeof(T) == sizeof(float)) {
      spread = T(1) / __builtin_sqrtf(spread);
    } else {
      spread = T(1) / __builtin_sqrt(spread);
    }
    *mean = centre;
    *inverse = spread;
    for (Size i = 0; i < n; ++i) y[i] = gamma[i] * ((x[i] - centre) * spread) + beta[i];
  }

  /// As Rows::layer_norm_grad.
  static void layer_norm_row_grad(const T* x, const T* g, T* __restrict dx, Size n, const T* gamma, T mean,
                                  T inverse, T* __restrict dgamma, T* __restrict dbeta) {
    T sum = T(0);
    T dot = T(0);
#pragma omp simd reduction(+ : sum, dot)
    for (Size i = 0; i < n; ++i) {
      const T product = g[i] * ((x[i] - mean) * inverse);
      dgamma[i] += product;
      dbeta[i] += g[i];
      sum += gamma[i] * g[i];
      dot += gamma[i] * product;
    }
    sum /= static_cast<T>(n);
    dot /= static_cast<T>(n);
    for (Size i = 0; i < n; ++i) {
      const T normal = (x[i] - mean) * inverse;
      dx[i] = inverse * (gamma[i] * g[i] - sum - normal * dot);
    }
  }

  /// Rows and vectors of accumulators: 16 of 32 registers, 8 of 16.
  static constexpr int kRows = 4;
  static constexpr int kVectors = Width == 64 ? 4 : 2;

  template <int kTileRows, int kTileVectors>
  static void tile(Size k, StridedMatrix<const T> a, const T* b, Size b_row, T* c, Size c_row, T factor,
                   bool accumulate) {
    Vector sums[kTileRows][kTileVectors] = {};
    for (Size x = 0; x < k; ++x) {
      Vector columns[kTileVectors];
      for (int v = 0; v < kTileVectors; ++v) columns[v] = R::load(b + x * b_row + v * R::kCount);
      for (int i = 0; i < kTileRows; ++i) {
        const T value = a.data[i * a.row + x * a.column];
        for (int v = 0; v < kTileVectors; ++v) sums[i][v] += value * columns[v];
      }
    }
    for (int i = 0; i < kTileRows; ++i) {
      for (int v = 0; v < kTileVectors; ++v) {
        T* const to = c + i * c_row + v * R::kCount;
        const Vector value = sums[i][v] * factor;
        R::store(to, accumulate ? R::load(to) + value : value);
      }
    }
  }

  template <int kTileRows>
  static void strip(Size n, Size k, StridedMatrix<const T> a, const T* b, Size b_row, T* c, Size c_row,
                    T factor, bool accumulate) {
    Size j = 0;
    for (; j + kVectors * R::kCount <= n; j += kVectors * R::kCount)
      tile<kTileRows, kVectors>(k, a, b + j, b_row, c + j, c_row, factor, accumulate);
    for (; j + R::kCount <= n; j += R::kCount)
      tile<kTileRows, 1>(k, a, b + j, b_row, c + j, c_row, factor, accumulate);
    for (; j < n; ++j) {
      for (int i = 0; i < kTileRows; ++i) {
        T sum = T(0);
        for (Size x = 0; x < k; ++x) sum += a.data[i * a.row + x * a.column] * b[x * b_row + j];
        T* const to = c + i * c_row + j;
        *to = accumulate ? *to + factor * sum : factor * sum;
      }
    }
  }

  static void row_product(Size m, Size n, Size k, StridedMatrix<const T> a, const T* b, Size b_row, T* c,
                          Size c_row, T factor, bool accumulate) {
    Size i = 0;
    for (; i + kRows <= m; i += kRows) {
      strip<kRows>(n, k, {a.data + i * a.row, a.row, a.column}, b, b_row, c + i * c_row, c_row, factor,
                   accumulate);
    }
    for (; i < m; ++i) {
      strip<1>(n, k, {a.data + i * a.row, a.row, a.column}, b, b_row, c + i * c_row, c_row, factor,
               accumulate);
    }
  }
};

}  // namespace satsuma::kernels

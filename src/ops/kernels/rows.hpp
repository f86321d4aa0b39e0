#pragma once

#include "src/ops/kernels/functions.hpp"
#include "src/ops/kernels/kernels.hpp"

namespace satsuma::kernels {

/// Softmax and layer normalisation of rows whose elements are lanes: sixteen rows at once, no shuffles.
template <int Width, typename T>
struct Rows {
  using Size = std::int64_t;

  static void softmax(const T* x, T* y, Size n, Size stride, T* log_sum) {
    alignas(64) T top[kLanes];
    alignas(64) T sum[kLanes];
    for (int lane = 0; lane < kLanes; ++lane) {
      top[lane] = x[lane];
      sum[lane] = T(0);
    }
    for (Size i = 1; i < n; ++i) {
      const T* const from = x + i * stride;
#pragma omp simd
      for (int lane = 0; lane < kLanes; ++lane) top[lane] = from[lane] > top[lane] ? from[lane] : top[lane];
    }
    for (Size i = 0; i < n; ++i) {
      const T* const from = x + i * stride;
      T* const to = y + i * stride;
#pragma omp simd
      for (int lane = 0; lane < kLanes; ++lane) {
        const T power = exponential<Width>(from[lane] - top[lane]);
        to[lane] = power;
        sum[lane] += power;
      }
    }
    if (log_sum != nullptr) {
      for (int lane = 0; lane < kLanes; ++lane) log_sum[lane] = top[lane] + logarithm(sum[lane]);
    }
    for (int lane = 0; lane < kLanes; ++lane) sum[lane] = T(1) / sum[lane];
    for (Size i = 0; i < n; ++i) {
      T* const to = y + i * stride;
#pragma omp simd
      for (int lane = 0; lane < kLanes; ++lane) to[lane] *= sum[lane];
    }
  }

  static void softmax_grad(const T* y, const T* g, T* dx, Size n, Size stride) {
    alignas(64) T dot[kLanes] = {};
    for (Size i = 0; i < n; ++i) {
#pragma omp simd
      for (int lane = 0; lane < kLanes; ++lane) dot[lane] += y[i * stride + lane] * g[i * stride + lane];
    }
    for (Size i = 0; i < n; ++i) {
#pragma omp simd
      for (int lane = 0; lane < kLanes; ++lane) {
        dx[i * stride + lane] = y[i * stride + lane] * (g[i * stride + lane] - dot[lane]);
      }
    }
  }

  static void softmax_again(T* p, T* dp, Size n, const T* log_sum, const T* delta, T factor) {
    for (Size i = 0; i < n; ++i) {
      T* const power = p + i * kLanes;
      T* const grad = dp + i * kLanes;
#pragma omp simd
      for (int lane = 0; lane < kLanes; ++lane) {
        const T value = exponential<Width>(power[lane] - log_sum[lane]);
        power[lane] = value;
        grad[lane] = factor * value * (grad[lane] - delta[lane]);
      }
    }
  }

  /// Mean and deviation in two passes over a row, which is in the cache by the second.
  static void layer_norm(const T* x, T* y, Size n, const T* gamma, const T* beta, T eps, T* mean,
                         T* inverse) {
    alignas(64) T centre[kLanes] = {};
    alignas(64) T spread[kLanes] = {};
    Size i = 0;
    for (; i + 4 <= n; i += 4) {
      const T* const from = x + i * kLanes;
#pragma omp simd
      for (int lane = 0; lane < kLanes; ++lane) {
        centre[lane] +=
            (from[lane] + from[kLanes + lane]) + (from[2 * kLanes + lane] + from[3 * kLanes + lane]);
      }
    }
    for (; i < n; ++i) {
#pragma omp simd
      for (int lane = 0; lane < kLanes; ++lane) centre[lane] += x[i * kLanes + lane];
    }
    for (int lane = 0; lane < kLanes; ++lane) centre[lane] /= static_cast<T>(n);
    for (i = 0; i < n; ++i) {
#pragma omp simd
      for (int lane = 0; lane < kLanes; ++lane) {
        const T away = x[i * kLanes + lane] - centre[lane];
        spread[lane] += away * away;
      }
    }
    for (int lane = 0; lane < kLanes; ++lane) {
      spread[lane] = T(1) / root(spread[lane] / static_cast<T>(n) + eps);
      mean[lane] = centre[lane];
      inverse[lane] = spread[lane];
    }
    for (i = 0; i < n; ++i) {
      const T* const from = x + i * kLanes;
      T* const to = y + i * kLanes;
#pragma omp simd
      for (int lane = 0; lane < kLanes; ++lane) {
        to[lane] = gamma[i] * ((from[lane] - centre[lane]) * spread[lane]) + beta[i];
      }
    }
  }

  /// With h = g * gamma: dx = inverse * (h - mean(h) - xhat * mean(h * xhat)).
  static void layer_norm_grad(const T* x, const T* g, T* dx, Size n, const T* gamma, const T* mean,
                              const T* inverse, T* dgamma, T* dbeta) {
    alignas(64) T sum[kLanes] = {};
    alignas(64) T dot[kLanes] = {};
    for (Size i = 0; i < n; ++i) {
      const T* const from = x + i * kLanes;
      const T* const grad = g + i * kLanes;
      T* const to_gamma = dgamma + i * kLanes;
      T* const to_beta = dbeta + i * kLanes;
#pragma omp simd
      for (int lane = 0; lane < kLanes; ++lane) {
        const T normal = (from[lane] - mean[lane]) * inverse[lane];
        const T product = grad[lane] * normal;
        to_gamma[lane] += product;
        to_beta[lane] += grad[lane];
        sum[lane] += gamma[i] * grad[lane];
        dot[lane] += gamma[i] * product;
      }
    }
    for (int lane = 0; lane < kLanes; ++lane) {
      sum[lane] /= static_cast<T>(n);
      dot[lane] /= static_cast<T>(n);
    }
    for (Size i = 0; i < n; ++i) {
      const T* const from = x + i * kLanes;
      const T* const grad = g + i * kLanes;
      T* const to = dx + i * kLanes;
#pragma omp simd
      for (int lane = 0; lane < kLanes; ++lane) {
        const T normal = (from[lane] - mean[lane]) * inverse[lane];
        to[lane] = inverse[lane] * (gamma[i] * grad[lane] - sum[lane] - normal * dot[lane]);
      }
    }
  }

 private:
  static T logarithm(T x) {
    if constexpr (sizeof(T) == sizeof(float)) {
      return __builtin_logf(x);
    } else {
      return __builtin_log(x);
    }
  }
  static T root(T x) {
    if constexpr (sizeof(T) == sizeof(float)) {
      return __builtin_sqrtf(x);
    } else {
      return __builtin_sqrt(x);
    }
  }
};

}  // namespace satsuma::kernels

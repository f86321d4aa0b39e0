#pragma once

#include "src/ops/kernels/kernels.hpp"

namespace satsuma::kernels {

/// An integer as wide as T: comparisons of T select between such integers without any packing.
template <typename T>
struct SameWidth;
template <>
struct SameWidth<float> {
  using Integer = std::int32_t;
};
template <>
struct SameWidth<double> {
  using Integer = std::int64_t;
};

template <int Width, typename T>
struct Pool {
  using Size = std::int64_t;
  using Integer = typename SameWidth<T>::Integer;

  static void max_of(const T* const* runs, const std::uint8_t* ids, int count, Size n, T* y,
                     std::uint8_t* which) {
    constexpr Size kPiece = 256;  // best and index stay in the first-level cache
    alignas(64) T best[kPiece];
    alignas(64) Integer index[kPiece];
    for (Size start = 0; start < n; start += kPiece) {
      const Size length = n - start < kPiece ? n - start : kPiece;
      for (Size i = 0; i < length; ++i) {
        best[i] = runs[0][start + i];
        index[i] = ids[0];
      }
      for (int r = 1; r < count; ++r) {
        const T* const run = runs[r] + start;
        const Integer id = ids[r];
#pragma omp simd
        for (Size i = 0; i < length; ++i) {
          const T value = run[i];
          const bool wins = (value > best[i]) | (value != value);
          best[i] = wins ? value : best[i];
          index[i] = wins ? id : index[i];
        }
      }
      for (Size i = 0; i < length; ++i) y[start + i] = best[i];
      for (Size i = 0; i < length; ++i) which[start + i] = static_cast<std::uint8_t>(index[i]);
    }
  }

  static void add_where(const T* __restrict g, const std::uint8_t* __restrict which, std::uint8_t id, Size n,
                        T* __restrict dx) {
    for (Size i = 0; i < n; ++i) {
      const Integer chosen = which[i];
      dx[i] += chosen == Integer{id} ? g[i] : T(0);
    }
  }
};

}  // namespace satsuma::kernels

#pragma once

#include "src/ops/kernels/kernels.hpp"

namespace satsuma::kernels {

/// A number as it is, or the bits of a bf16 as the number they stand for.
template <int Width, typename T>
inline T widened(T value) {
  return value;
}
template <int Width, typename T>
inline T widened(std::uint16_t bits) {
  return static_cast<T>(__builtin_bit_cast(float, static_cast<std::uint32_t>(bits) << 16));
}

/// The bits that BFloat16 makes of a number: nearest, ties to even; NaN stays NaN.
template <int Width>
inline std::uint16_t narrowed(float value) {
  const auto word = __builtin_bit_cast(std::uint32_t, value);
  const std::uint32_t nearest = (word + 0x7fffu + ((word >> 16) & 1u)) >> 16;
  const bool nan = (word & 0x7fffffffu) > 0x7f800000u;
  return static_cast<std::uint16_t>(nan ? (word >> 16) | 0x40u : nearest);
}

template <int Width, typename T>
struct Narrow {
  using Size = std::int64_t;

  static void narrow(const T* x, Patch patch, const T* __restrict mean, std::uint16_t* y) {
    for (Size p = 0; p < patch.pixels; ++p) {
      const T* __restrict const from = x + p * patch.step;
      std::uint16_t* __restrict const to = y + p * patch.step;
      if (mean != nullptr) {
        for (Size i = 0; i < patch.width; ++i) to[i] = narrowed<Width>(static_cast<float>(from[i] - mean[i]));
      } else {
        for (Size i = 0; i < patch.width; ++i) to[i] = narrowed<Width>(static_cast<float>(from[i]));
      }
    }
  }

  static void widen(const std::uint16_t* __restrict x, T* __restrict y, Size n) {
    for (Size i = 0; i < n; ++i) y[i] = widened<Width, T>(x[i]);
  }
};

}  // namespace satsuma::kernels

#pragma once

#include <cstdint>

namespace satsuma::kernels {

// Elementary functions without branches or calls in single precision, so that loops over them vectorise.
// Double precision, which serves to check derivatives, calls the C library.

/// exp(x) within 2 units in the last place for x in [-87, 88], clamped beyond; NaN stays NaN. x = n log 2 +
/// r, polynomial of r from Cephes.
template <int Width>
inline float exponential(float x) {
  x = x < -87.0f ? -87.0f : x;
  x = x > 88.0f ? 88.0f : x;
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  const float n = (x * 1.44269504f + kRound) - kRound;
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const std::int32_t bits = (static_cast<std::int32_t>(n) + 127) << 23;
  return p * __builtin_bit_cast(float, bits);
}

template <int Width>
inline double exponential(double x) {
  return __builtin_exp(x);
}

/// erf(x) within 8 units in the last place: the odd rational minimax approximation of Eigen and XLA on [-4,
/// 4].
template <int Width>
inline float error_function(float x) {
  x = x < -4.0f ? -4.0f : x;
  x = x > 4.0f ? 4.0f : x;
  const float s = x * x;
  float p = -2.72614225801306e-10f;
  p = p * s + 2.77068142495902e-08f;
  p = p * s - 2.10102402082508e-06f;
  p = p * s - 5.69250639462346e-05f;
  p = p * s - 7.34990630326855e-04f;
  p = p * s - 2.95459980854025e-03f;
  p = p * s - 1.60960333262415e-02f;
  float q = -1.45660718464996e-05f;
  q = q * s - 2.13374055278905e-04f;
  q = q * s - 1.68282697438203e-03f;
  q = q * s - 7.37332916720468e-03f;
  q = q * s - 1.42647390514189e-02f;
  return x * p / q;
}

template <int Width>
inline double error_function(double x) {
  return __builtin_erf(x);
}

}  // namespace satsuma::kernels

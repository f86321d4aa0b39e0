#include <cstdint>

#include "satsuma/core/half.hpp"
#include "src/cpu/kernels/amx.hpp"

namespace satsuma::cpu {

namespace {

constexpr int kLaneFloats = 16;

void round_to(float value, std::uint16_t& to) {
  to = BFloat16(value).bits;
}

void pack(const float* from, std::int64_t channels, void* to) {
  auto* out = static_cast<std::uint16_t*>(to);
  const std::int64_t whole = (channels + kAmxTerms - 1) / kAmxTerms * kAmxTerms;
  for (std::int64_t c = 0; c < whole; c += 2, out += 2 * kLaneFloats) {
    for (int n = 0; n < kLaneFloats; ++n) {
      round_to(c < channels ? from[c * kLaneFloats + n] : 0.0f, out[2 * n]);
      round_to(c + 1 < channels ? from[(c + 1) * kLaneFloats + n] : 0.0f, out[2 * n + 1]);
    }
  }
}

void round_tile(const float* from, std::int64_t stride, void* to) {
  auto* out = static_cast<std::uint16_t*>(to);
  for (int r = 0; r < kAmxRows; ++r, out += kAmxTerms) {
    for (int k = 0; k < kAmxTerms; ++k) round_to(from[r * stride + k], out[k]);
  }
}

void transpose_pairs(const float* from, int channels, float* to, std::int64_t stride) {
  for (int pair = 0; pair < kLaneFloats / 2; ++pair) {
    auto* const out = reinterpret_cast<std::uint16_t*>(to + pair * stride);
    for (std::int64_t c = 0; c < stride; ++c) {
      round_to(c < channels ? from[c * kLaneFloats + 2 * pair] : 0.0f, out[2 * c]);
      round_to(c < channels ? from[c * kLaneFloats + 2 * pair + 1] : 0.0f, out[2 * c + 1]);
    }
  }
}

void round_rows(const float* from, std::int64_t rows, int lanes, float* to, std::int64_t stride) {
  for (std::int64_t r = 0; r < rows; ++r) {
    auto* const out = reinterpret_cast<std::uint16_t*>(to + r * stride);
    for (int n = 0; n < kLaneFloats; ++n) round_to(n < lanes ? from[r * kLaneFloats + n] : 0.0f, out[n]);
  }
}

}  // namespace

const AmxForms kPlainAmxForms = {pack, round_tile, transpose_pairs, round_rows};

}  // namespace satsuma::cpu

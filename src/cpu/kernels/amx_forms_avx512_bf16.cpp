#include <immintrin.h>

#include "src/cpu/kernels/amx.hpp"
#include "src/cpu/kernels/bf16.hpp"

namespace satsuma::cpu {

namespace {

constexpr std::int64_t kLaneFloats = 16;

/// Thirty-two bf16 of two vectors; null stands for zeros.
inline __m512i round_both(const float* low, const float* high) {
  const __m512 first = low ? _mm512_loadu_ps(low) : _mm512_setzero_ps();
  const __m512 second = high ? _mm512_loadu_ps(high) : _mm512_setzero_ps();
  return reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(second, first));
}

/// What interleaves the halves of a vector: places 0, 16, 1, 17, ...
inline __m512i interleaving() {
  const __m512i low = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  return _mm512_or_si512(low, _mm512_slli_epi32(_mm512_add_epi32(low, _mm512_set1_epi32(16)), 16));
}

void pack(const float* from, std::int64_t channels, void* to) {
  char* out = static_cast<char*>(to);
  const std::int64_t whole = (channels + kAmxTerms - 1) / kAmxTerms * kAmxTerms;
  const __m512i order = interleaving();
  std::int64_t c = 0;
  for (; c + 2 <= channels; c += 2, out += 64) {
    const float* const pair = from + c * kLaneFloats;
    _mm512_store_si512(out, _mm512_permutexvar_epi16(order, round_both(pair, pair + kLaneFloats)));
  }
  for (; c < whole; c += 2, out += 64) {
    _mm512_store_si512(out, _mm512_permutexvar_epi16(
                                order, round_both(c < channels ? from + c * kLaneFloats : nullptr, nullptr)));
  }
}

void round_tile(const float* from, std::int64_t stride, void* to) {
  for (int r = 0; r < kAmxRows; ++r, from += stride)
    _mm512_store_si512(static_cast<char*>(to) + r * 64, round_both(from, from + kLaneFloats));
}

void transpose_pairs(const float* from, int channels, float* to, std::int64_t stride) {
  kAvx512Bf16Kernels.transpose_pairs(from, channels, to, stride);
}

void round_rows(const float* from, std::int64_t rows, int lanes, float* to, std::int64_t stride) {
  kAvx512Bf16Kernels.round_rows(from, rows, lanes, to, stride);
}

}  // namespace

const AmxForms kAvx512Bf16AmxForms = {pack, round_tile, transpose_pairs, round_rows};

}  // namespace satsuma::cpu

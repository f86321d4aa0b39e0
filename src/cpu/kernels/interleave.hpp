#pragma once

#include <immintrin.h>

// Included by the files that are compiled for bf16 instructions. Everything here has internal linkage, as in
// kernel_body.hpp.

namespace satsuma::cpu {

namespace {

inline __m512bh pairs(__m512i value) {
  return reinterpret_cast<__m512bh>(value);
}

/// sum += a.even * b.even + a.odd * b.odd.
inline void add_products(__m512& sum, __m512i a, __m512i b) {
  sum = _mm512_dpbf16_ps(sum, pairs(a), pairs(b));
}

/// Two vectors of bf16, number by number in turn: the lower halves of their quarters, and the upper ones.
struct Interleaved {
  __m512i low;
  __m512i high;
};

/// Both vectors are kept in registers: a compiler would make a memory operand of the second in both shuffles,
/// three loads where two do, and loads are the limit.
inline Interleaved interleave(const void* at, const void* and_at) {
  const __m512i a = _mm512_load_si512(at);
  __m512i b = _mm512_load_si512(and_at);
  asm("" : "+v"(b));
  return {_mm512_unpacklo_epi16(a, b), _mm512_unpackhi_epi16(a, b)};
}

}  // namespace

}  // namespace satsuma::cpu

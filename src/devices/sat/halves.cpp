#include "src/devices/sat/halves.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

#include <algorithm>
#include <atomic>

#include "satsuma/core/cpu.hpp"
#include "satsuma/core/half.hpp"
#include "satsuma/core/memory_format.hpp"
#include "satsuma/core/parallel.hpp"

namespace satsuma::sat::driver {

namespace {

constexpr std::int64_t kGrain = 1 << 14;

void narrow_plain(const float* from, std::int64_t count, std::uint16_t* to) {
  for (std::int64_t i = 0; i < count; ++i) to[i] = Float16(from[i]).bits;
}

bool widen_plain(const std::uint16_t* from, std::int64_t count, float* to) {
  bool finite = true;
  for (std::int64_t i = 0; i < count; ++i) {
    Float16 half;
    half.bits = from[i];
    to[i] = static_cast<float>(half);
    finite = finite && (half.bits & 0x7c00u) != 0x7c00u;
  }
  return finite;
}

#if defined(__x86_64__)

__attribute__((target("avx,f16c"))) void narrow_f16c(const float* from, std::int64_t count,
                                                     std::uint16_t* to) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  const __m256 quiet_nan = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fc00000));
  std::int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m256 value = _mm256_loadu_ps(from + i);
    // The instruction would keep a NaN's payload.
    const __m256 nan = _mm256_or_ps(_mm256_and_ps(value, sign), quiet_nan);
    const __m256 clean = _mm256_blendv_ps(value, nan, _mm256_cmp_ps(value, value, _CMP_UNORD_Q));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i),
                     _mm256_cvtps_ph(clean, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  }
  narrow_plain(from + i, count - i, to + i);
}

__attribute__((target("avx,f16c"))) bool widen_f16c(const std::uint16_t* from, std::int64_t count,
                                                    float* to) {
  const __m128i exponent = _mm_set1_epi16(0x7c00);
  __m128i special = _mm_setzero_si128();
  std::int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m128i halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i));
    special = _mm_or_si128(special, _mm_cmpeq_epi16(_mm_and_si128(halves, exponent), exponent));
    _mm256_storeu_ps(to + i, _mm256_cvtph_ps(halves));
  }
  const bool rest = widen_plain(from + i, count - i, to + i);
  return rest && _mm_movemask_epi8(special) == 0;
}

bool has_f16c() {
  static const bool yes = [] {
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    return active_isa() != Isa::plain && __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_F16C) != 0;
  }();
  return yes;
}

#endif

}  // namespace

void to_halves(const float* from, std::int64_t count, std::uint16_t* to) {
  auto* narrow = &narrow_plain;
#if defined(__x86_64__)
  if (has_f16c()) narrow = &narrow_f16c;
#endif
  parallel_for(count, kGrain,
               [&](std::int64_t begin, std::int64_t end) { narrow(from + begin, end - begin, to + begin); });
}

void clear_lanes(const LoadHalves& command, std::uint16_t* halves) {
  for (std::int64_t at = command.last_block; at < command.count; at += kLanes)
    std::fill(halves + at + command.valid_lanes, halves + at + kLanes, std::uint16_t{0});
}

bool to_floats(const std::uint16_t* from, std::int64_t count, float* to) {
  auto* widen = &widen_plain;
#if defined(__x86_64__)
  if (has_f16c()) widen = &widen_f16c;
#endif
  std::atomic<bool> finite = true;
  parallel_for(count, kGrain, [&](std::int64_t begin, std::int64_t end) {
    if (!widen(from + begin, end - begin, to + begin)) finite = false;
  });
  return finite;
}

}  // namespace satsuma::sat::driver

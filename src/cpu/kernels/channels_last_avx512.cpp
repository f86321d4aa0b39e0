#include <immintrin.h>

#include <cstddef>
#include <utility>

#include "src/cpu/kernels/channels_last.hpp"
#include "src/cpu/kernels/dispatch.hpp"

namespace satsuma::cpu {
namespace {
constexpr int kVector = 16;
constexpr int kPixels = 12;   // 12 x 2 sums, 2 weights and a broadcast; pointers fill the other registers
constexpr int kNmPixels = 8;  // 8 x 2 sums, 8 groups, a weight, an order and a permutation: 27 of 32

inline __mmask16 group_mask(int length) {
  return static_cast<__mmask16>((1U << length) - 1);
}
/// The channels of a group, none behind it: they may not be ours.
inline __m512 load_group(const float* at, __mmask16 mask) {
  return _mm512_maskz_loadu_ps(mask, at);
}
inline __m512i load_order(const std::uint8_t* at) {
  return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
}
inline __m512 permute(__m512 values, __m512i order) {
  return _mm512_permutexvar_ps(order, values);
}
}  // namespace
}  // namespace satsuma::cpu

#include "src/cpu/kernels/channels_last_body.hpp"
//
#include "src/cpu/kernels/channels_last_nm.hpp"

namespace satsuma::cpu {

const ChannelsLastKernels kAvx512ChannelsLast = {kPanel, kPixels, kNmPixels, kVector, dense, nm};

}  // namespace satsuma::cpu

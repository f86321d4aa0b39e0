#include <immintrin.h>

#include <cstddef>
#include <utility>

#include "src/cpu/kernels/channels_last.hpp"
#include "src/cpu/kernels/dispatch.hpp"

namespace satsuma::cpu {
namespace {
constexpr int kVector = 8;
constexpr int kPixels = 6;    // 6 x 2 sums, 2 weights and a broadcast: 15 of 16 registers
constexpr int kNmPixels = 4;  // 4 x 2 sums, 4 groups, a weight, an order and a permutation: 15 of 16

inline __m256i group_mask(int length) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(length), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
/// The channels of a group, none behind it: they may not be ours.
inline __m256 load_group(const float* at, __m256i mask) {
  return _mm256_maskload_ps(at, mask);
}
inline __m256i load_order(const std::uint8_t* at) {
  return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(at)));
}
inline __m256 permute(__m256 values, __m256i order) {
  return _mm256_permutevar8x32_ps(values, order);
}
}  // namespace
}  // namespace satsuma::cpu

#include "src/cpu/kernels/channels_last_body.hpp"
//
#include "src/cpu/kernels/channels_last_nm.hpp"

namespace satsuma::cpu {

const ChannelsLastKernels kAvx2ChannelsLast = {kPanel, kPixels, kNmPixels, kVector, dense, nm};

}  // namespace satsuma::cpu

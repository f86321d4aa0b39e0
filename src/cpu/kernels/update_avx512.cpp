#include <immintrin.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "src/cpu/kernels/dispatch.hpp"
#include "src/cpu/kernels/update.hpp"

namespace satsuma::cpu {

namespace {

constexpr int kVector = 16;
using Words = std::int32_t __attribute__((vector_size(64)));
using Mask = __mmask16;

inline __m512i whole(Words words) {
  return reinterpret_cast<__m512i>(words);
}
inline Mask at_least(Words a, Words b) {
  return _mm512_cmpge_epi32_mask(whole(a), whole(b));
}
inline Words choose(Mask mask, Words yes, Words no) {
  return reinterpret_cast<Words>(_mm512_mask_mov_epi32(whole(no), mask, whole(yes)));
}
inline bool differs(Words a, Words b) {
  return _mm512_cmpneq_epi32_mask(whole(a), whole(b)) != 0;
}

}  // namespace

}  // namespace satsuma::cpu

#include "src/cpu/kernels/update_body.hpp"

namespace satsuma::cpu {

const UpdateKernels kAvx512UpdateKernels = {compress};

}  // namespace satsuma::cpu

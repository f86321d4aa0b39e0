// Words and Mask for update_body.hpp and sample_body.hpp in AVX-512. Internal linkage, as there.

namespace satsuma::cpu {

namespace {

using Words = std::int32_t __attribute__((vector_size(64)));
using Mask = __mmask16;

inline __m512i whole(Words words) {
  return reinterpret_cast<__m512i>(words);
}
inline Mask at_least(Words a, Words b) {
  return _mm512_cmpge_epi32_mask(whole(a), whole(b));
}
inline Mask equal(Words a, Words b) {
  return _mm512_cmpeq_epi32_mask(whole(a), whole(b));
}
inline Words choose(Mask mask, Words yes, Words no) {
  return reinterpret_cast<Words>(_mm512_mask_mov_epi32(whole(no), mask, whole(yes)));
}
inline bool differs(Words a, Words b) {
  return _mm512_cmpneq_epi32_mask(whole(a), whole(b)) != 0;
}

}  // namespace

}  // namespace satsuma::cpu

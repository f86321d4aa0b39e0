// Words and Mask for update_body.hpp and sample_body.hpp where there are no mask registers. Internal linkage,
// as there.

namespace satsuma::cpu {

namespace {

using Words = std::int32_t __attribute__((vector_size(kVector * sizeof(std::int32_t))));
using Mask = Words;  ///< all ones for yes

inline Mask at_least(Words a, Words b) {
  return a >= b;
}
inline Mask equal(Words a, Words b) {
  return a == b;
}
inline Words choose(Mask mask, Words yes, Words no) {
  return (yes & mask) | (no & ~mask);
}
inline bool differs(Words a, Words b) {
  const Words difference = a ^ b;
  std::int32_t any = 0;
  for (int i = 0; i < kVector; ++i) any |= difference[i];
  return any != 0;
}

}  // namespace

}  // namespace satsuma::cpu

#include <immintrin.h>

#include <cstdint>
#include <type_traits>

#include "src/cpu/kernels/sample.hpp"

namespace satsuma::cpu {
namespace {
constexpr int kVector = 16;
}  // namespace
}  // namespace satsuma::cpu

#include "src/cpu/kernels/update_masks_avx512.hpp"
// In this order.
#include "src/cpu/kernels/sample_body.hpp"

namespace satsuma::cpu {

const SampleKernels kAvx512SampleKernels = {sample, sample_shared};

}  // namespace satsuma::cpu

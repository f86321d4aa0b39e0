
#include <cstdint>
#include <type_traits>

#include "src/cpu/kernels/sample.hpp"

namespace satsuma::cpu {
namespace {
constexpr int kVector = 8;
}  // namespace
}  // namespace satsuma::cpu

#include "src/cpu/kernels/update_masks.hpp"
// In this order.
#include "src/cpu/kernels/sample_body.hpp"

namespace satsuma::cpu {

const SampleKernels kAvx2SampleKernels = {sample, sample_shared};

}  // namespace satsuma::cpu


#include <cstdint>
#include <type_traits>

#include "src/cpu/kernels/sample.hpp"

namespace satsuma::cpu {
namespace {
constexpr int kVector = 4;
}  // namespace
}  // namespace satsuma::cpu

#include "src/cpu/kernels/update_masks.hpp"
// In this order.
#include "src/cpu/kernels/sample_body.hpp"

namespace satsuma::cpu {

const SampleKernels kPlainSampleKernels = {sample, sample_shared};

}  // namespace satsuma::cpu

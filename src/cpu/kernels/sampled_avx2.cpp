#include <cstddef>
#include <type_traits>

#include "src/cpu/kernels/dispatch.hpp"
#include "src/cpu/kernels/sampled.hpp"

namespace satsuma::cpu {
namespace {
constexpr int kVector = 8;
constexpr int kSharedVectors = 2;  // 2 x 3 x 2 accumulators, 2 values and an input: 15 of 16 registers
}  // namespace
}  // namespace satsuma::cpu

#include "src/cpu/kernels/sampled_body.hpp"

namespace satsuma::cpu {

const SampledKernels kAvx2SampledKernels = table();

}  // namespace satsuma::cpu

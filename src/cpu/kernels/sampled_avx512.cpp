#include <cstddef>
#include <type_traits>

#include "src/cpu/kernels/dispatch.hpp"
#include "src/cpu/kernels/sampled.hpp"

namespace satsuma::cpu {
namespace {
constexpr int kVector = 16;
constexpr int kSharedVectors = 4;  // 2 x 3 x 4 accumulators, 2 values and an input: 27 of 32 registers
}  // namespace
}  // namespace satsuma::cpu

#include "src/cpu/kernels/sampled_body.hpp"

namespace satsuma::cpu {

const SampledKernels kAvx512SampledKernels = table();

}  // namespace satsuma::cpu

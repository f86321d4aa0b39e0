#include <cstddef>

#include "src/cpu/kernels/dispatch.hpp"
#include "src/cpu/kernels/pruned.hpp"

namespace satsuma::cpu {
namespace {
constexpr int kVector = 16;
constexpr int kVectors = 4;  // 2 x 4 accumulators
constexpr int kImages = 2;
}  // namespace
}  // namespace satsuma::cpu

#include "src/cpu/kernels/pruned_body.hpp"

namespace satsuma::cpu {

const PrunedKernels kAvx512PrunedKernels = {kVector, kVectors, products};

}  // namespace satsuma::cpu

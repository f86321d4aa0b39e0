#include <cstddef>

#include "src/cpu/kernels/dispatch.hpp"
#include "src/cpu/kernels/pruned.hpp"

namespace satsuma::cpu {
namespace {
constexpr int kVector = 8;
constexpr int kVectors = 8;  // 1 x 8 accumulators
constexpr int kImages = 1;
}  // namespace
}  // namespace satsuma::cpu

#include "src/cpu/kernels/pruned_body.hpp"

namespace satsuma::cpu {

const PrunedKernels kAvx2PrunedKernels = {kVector, kVectors, products};

}  // namespace satsuma::cpu

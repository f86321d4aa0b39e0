#include <cstddef>

#include "src/cpu/kernels/dispatch.hpp"
#include "src/cpu/kernels/sampled.hpp"

namespace satsuma::cpu {
namespace {
constexpr int kVector = 8;
}  // namespace
}  // namespace satsuma::cpu

#include "src/cpu/kernels/sampled_body.hpp"

namespace satsuma::cpu {

const SampledKernels kAvx2SampledKernels = {
    kVector, kMostSampledVectors, kMostSampledVectors, sizeof(SampledEntries), products, nullptr};

}  // namespace satsuma::cpu

#include <cstddef>
#include <type_traits>

#include "src/cpu/kernels/dispatch.hpp"
#include "src/cpu/kernels/sampled.hpp"

namespace satsuma::cpu {
namespace {
constexpr int kVector = 4;
constexpr int kSharedVectors = 2;
}  // namespace
}  // namespace satsuma::cpu

#include "src/cpu/kernels/sampled_body.hpp"

namespace satsuma::cpu {

const SampledKernels kPlainSampledKernels = table();

}  // namespace satsuma::cpu

#include <cstddef>
#include <utility>

#include "src/cpu/kernels/dispatch.hpp"
#include "src/cpu/kernels/kernels.hpp"

namespace satsuma::cpu {
namespace {
constexpr int kVector = 4;
constexpr int kTile = 8;
constexpr int kSharedTile = 6;
constexpr int kDenseTile = 2;  // 2 x 6 accumulators, 2 inputs and a weight: 15 of 16 registers
constexpr int kDenseRows = 6;
constexpr int kGradientRows = 6;  // 6 x 2 accumulators, 2 columns and a broadcast: 15 of 16 registers
constexpr int kGradientVectors = 2;
}  // namespace
}  // namespace satsuma::cpu

#include "src/cpu/kernels/kernel_body.hpp"

namespace satsuma::cpu {

const Kernels kPlainKernels = table();

}  // namespace satsuma::cpu

#include <cstddef>
#include <utility>

#include "src/cpu/kernels/dispatch.hpp"
#include "src/cpu/kernels/kernels.hpp"

namespace satsuma::cpu {
namespace {
constexpr int kVector = 16;
constexpr int kTile = 8;        // eight chains of dependent sums hide the latency of four cycles on two units
constexpr int kSharedTile = 8;  // 2 x 8 accumulators, 2 weights and an input: 19 of 32 registers
constexpr int kDenseTile = 3;   // 3 x 8 accumulators, 3 inputs and a weight: 28 of 32 registers
constexpr int kDenseRows = 8;
constexpr int kGradientRows = 6;  // 6 x 4 accumulators, 4 columns and a broadcast: 29 of 32 registers
constexpr int kGradientVectors = 4;
}  // namespace
}  // namespace satsuma::cpu

#include "src/cpu/kernels/kernel_body.hpp"

namespace satsuma::cpu {

const Kernels kAvx512Kernels = table();

}  // namespace satsuma::cpu

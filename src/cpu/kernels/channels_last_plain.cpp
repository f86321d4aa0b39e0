#include <cstddef>
#include <utility>

#include "src/cpu/kernels/channels_last.hpp"
#include "src/cpu/kernels/dispatch.hpp"

namespace satsuma::cpu {
namespace {
constexpr int kVector = 4;
constexpr int kPixels = 6;  // 6 x 2 sums, 2 weights and a broadcast: 15 of 16 registers
}  // namespace
}  // namespace satsuma::cpu

#include "src/cpu/kernels/channels_last_body.hpp"

namespace satsuma::cpu {

// Nothing permutes a vector here.
const ChannelsLastKernels kPlainChannelsLast = {kPanel, kPixels, 0, 0, dense, nullptr};

}  // namespace satsuma::cpu

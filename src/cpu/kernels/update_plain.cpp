#include <algorithm>
#include <cstring>
#include <utility>

#include "src/cpu/kernels/dispatch.hpp"
#include "src/cpu/kernels/update.hpp"

namespace satsuma::cpu {
namespace {
constexpr int kVector = 4;
}  // namespace
}  // namespace satsuma::cpu

#include "src/cpu/kernels/update_masks.hpp"
// In this order.
#include "src/cpu/kernels/update_body.hpp"

namespace satsuma::cpu {

const UpdateKernels kPlainUpdateKernels = {compress};

}  // namespace satsuma::cpu

#include <immintrin.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "src/cpu/kernels/dispatch.hpp"
#include "src/cpu/kernels/update.hpp"

namespace satsuma::cpu {
namespace {
constexpr int kVector = 16;
}  // namespace
}  // namespace satsuma::cpu

#include "src/cpu/kernels/update_masks_avx512.hpp"
// In this order.
#include "src/cpu/kernels/update_body.hpp"

namespace satsuma::cpu {

const UpdateKernels kAvx512UpdateKernels = {compress};

}  // namespace satsuma::cpu

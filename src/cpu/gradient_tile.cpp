#include "src/cpu/gradient_tile.hpp"

#include <algorithm>

namespace satsuma::cpu {

void gradient_through_tile(void (*kernel)(const GradientArgs&), GradientArgs args, float* tile,
                           std::int64_t stride) {
  float* const target = args.dw;
  const std::int64_t target_stride = args.dw_stride;
  args.dw = tile;
  args.dw_stride = stride;
  args.next_dw = nullptr;
  for (int r = 0; r < args.rows && args.accumulate; ++r) {
    std::fill_n(tile + r * stride, stride, 0.0f);
    std::copy_n(target + r * target_stride, args.channels, tile + r * stride);
  }
  kernel(args);
  for (int r = 0; r < args.rows; ++r)
    std::copy_n(tile + r * stride, args.channels, target + r * target_stride);
}

}  // namespace satsuma::cpu

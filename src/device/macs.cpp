#include "satsuma/device/macs.hpp"

namespace satsuma {

std::int64_t pass_macs(const Geometry& geometry, Pass pass, Pattern weight, std::int64_t out_height,
                       std::int64_t out_width) {
  if (pass == Pass::wu || geometry.groups > 1 || weight.dense())
    return geometry.dense_macs(out_height, out_width);
  const bool forward = pass == Pass::ff;
  const std::int64_t rows = forward ? geometry.out_channels : geometry.in_channels;
  const std::int64_t reduced = forward ? geometry.in_channels : geometry.out_channels;
  return rows * kept_along(weight, reduced) * geometry.kernel[0] * geometry.kernel[1] * out_height *
         out_width;
}

}  // namespace satsuma

#include "src/cpu/unfold.hpp"

#include <algorithm>

#include "satsuma/core/integer.hpp"
#include "satsuma/core/memory_format.hpp"
#include "satsuma/core/parallel.hpp"

namespace satsuma::cpu {

bool worth_unfolding(const Geometry& geometry) {
  constexpr std::int64_t kFew = 4;
  return geometry.in_channels <= kFew && geometry.kernel[0] * geometry.kernel[1] > 1;
}

Geometry unfolded(const Geometry& geometry) {
  Geometry result;
  result.in_channels = geometry.in_channels * geometry.kernel[0] * geometry.kernel[1];
  result.out_channels = geometry.out_channels;
  return result;
}

Tensor unfold(const Geometry& geometry, const Tensor& x, const Shape& output) {
  const std::int64_t channels = geometry.in_channels;
  const std::int64_t kernel_height = geometry.kernel[0], kernel_width = geometry.kernel[1];
  const std::int64_t height = x.dim(2);
  const std::int64_t width = x.dim(3);
  const std::int64_t out_height = output[2];
  const std::int64_t out_width = output[3];
  const std::int64_t pixel = channels * kLanes;
  Tensor result = Tensor::empty({x.dim(0), channels * kernel_height * kernel_width, out_height, out_width},
                                DType::f32, MemoryFormat::batch_blocked);
  const float* const from = x.data<float>();
  float* const to = result.data<float>();
  const std::int64_t blocks = ceil_div(x.dim(0), kLanes);
  parallel_for(blocks * out_height, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t item = begin; item < end; ++item) {
      const std::int64_t block = item / out_height;
      const std::int64_t p = item % out_height;
      float* at = to + item * out_width * kernel_height * kernel_width * pixel;
      for (std::int64_t q = 0; q < out_width; ++q) {
        for (std::int64_t r = 0; r < kernel_height; ++r) {
          const std::int64_t row = p * geometry.stride[0] - geometry.padding[0] + r * geometry.dilation[0];
          for (std::int64_t s = 0; s < kernel_width; ++s, at += pixel) {
            const std::int64_t column =
                q * geometry.stride[1] - geometry.padding[1] + s * geometry.dilation[1];
            if (row < 0 || row >= height || column < 0 || column >= width) {
              std::fill_n(at, pixel, 0.0f);
            } else {
              std::copy_n(from + ((block * height + row) * width + column) * pixel, pixel, at);
            }
          }
        }
      }
    }
  });
  return result;
}

Tensor unfold_weight(const Tensor& weight) {
  const Shape shape = {weight.dim(0), weight.dim(1) * weight.dim(2) * weight.dim(3), 1, 1};
  return weight.view(shape, layout_of(shape, MemoryFormat::channels_last));
}

}  // namespace satsuma::cpu

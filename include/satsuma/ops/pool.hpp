#pragma once

#include <array>
#include <cstdint>

#include "satsuma/core/tensor.hpp"

namespace satsuma::ops {

/// Windows of a pooling: height, then width.
struct PoolWindow {
  std::array<std::int64_t, 2> kernel = {2, 2};
  std::array<std::int64_t, 2> stride = {2, 2};
  std::array<std::int64_t, 2> padding = {0, 0};
};

/// Largest value in each window of [N, C, H, W]; padding counts as minus infinity, NaN wins.
///   P = floor((H + 2 padding - kernel) / stride) + 1, Q alike
/// Of equal values the first takes the gradient. Throws ShapeError when a window does not fit, padding
/// exceeds half of the kernel, or the kernel has more than 256 taps. Saves one byte for each output.
Tensor max_pool(const Tensor& x, const PoolWindow& window);

/// Mean of each window of [N, C, H, W]; padding counts as zeros (PyTorch's count_include_pad). Sizes and
/// errors as in max_pool(). Saves nothing.
Tensor average_pool(const Tensor& x, const PoolWindow& window);

/// Mean over windows chosen so that the output is [N, C, height, width]: rows floor(p H / height) up to
/// ceil((p + 1) H / height), columns alike. With 1 x 1 the mean over all pixels. Throws ShapeError on a size
/// below 1.
Tensor adaptive_average_pool(const Tensor& x, std::int64_t height, std::int64_t width);

}  // namespace satsuma::ops

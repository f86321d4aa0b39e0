#pragma once

#include "satsuma/core/rng.hpp"
#include "satsuma/core/tensor.hpp"
#include "src/data/transforms/resize.hpp"

namespace satsuma::data {

/// torchvision's RandomErasing: with `probability` a box of 2 to 33 % of the area and of a side ratio of 0.3
/// to 3.3 (height to width, even in the logarithm). An empty box where nothing is erased, also after ten that
/// do not fit.
Box draw_erasing(double probability, std::int64_t height, std::int64_t width, Rng& rng);

/// Sets `box` of image `n` of a batch [N, C, H, W], f32, batch-blocked, to 0: after normalisation that is the
/// mean.
void erase(Tensor& images, std::int64_t n, const Box& box);

}  // namespace satsuma::data

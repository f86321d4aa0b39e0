#pragma once

#include "satsuma/core/tensor.hpp"
#include "satsuma/device/geometry.hpp"
#include "satsuma/sparse/pattern.hpp"
#include "src/cpu/gradient_split.hpp"
#include "src/cpu/sampled_form.hpp"

namespace satsuma::cpu {

/// sampled_weight_gradient() of a batch-blocked x by the kernels whose lanes are output channels. `tiling`
/// has some, `form` is dY's by this tiling, and `split` that of the work in blocks of kPickedChannels.
void picked_weight_gradient(const GradientSplit& split, const Geometry& geometry, const SampledTiling& tiling,
                            const SampledForm& form, Pattern pattern, const Tensor& x, Tensor& dw);

}  // namespace satsuma::cpu

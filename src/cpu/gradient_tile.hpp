#pragma once

#include "src/cpu/kernels/kernels.hpp"

namespace satsuma::cpu {

/// Runs the weight-gradient kernel where the channels of dw are no multiple of the vector: on a padded copy
/// of its tile of dw, in `tile`, whose rows are `stride` floats apart.
void gradient_through_tile(void (*kernel)(const GradientArgs&), GradientArgs args, float* tile,
                           std::int64_t stride);

}  // namespace satsuma::cpu

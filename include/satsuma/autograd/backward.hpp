#pragma once

#include "satsuma/core/tensor.hpp"

namespace satsuma {

/// Reverse-mode differentiation: adds d(output)/d(leaf) to grad() of every leaf that requires a gradient.
/// `seed` is the gradient of the output, 1 when left out (then the output must hold one element). Iterative,
/// so depth is limited by memory alone; nodes run in a fixed order; each node's saved tensors are released
/// once it ran. Throws Error when the output was not recorded or its graph was already used.
void backward(const Tensor& output, const Tensor& seed = {});

}  // namespace satsuma

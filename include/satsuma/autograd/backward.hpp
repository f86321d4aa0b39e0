#pragma once

#include <functional>

#include "satsuma/core/autograd_meta.hpp"
#include "satsuma/core/tensor.hpp"

namespace satsuma {

/// Told of a leaf whose gradient is complete, as far as one backward() goes.
using OnGradient = std::function<void(const AutogradMeta& leaf)>;

/// Reverse-mode differentiation: adds d(output)/d(leaf) to grad() of every leaf that requires a gradient.
/// `seed` is the gradient of the output, 1 when left out (then the output must hold one element). Iterative,
/// so depth is limited by memory alone; nodes run in a fixed order; each node's saved tensors are released
/// once it ran. `on_gradient` is told of each leaf that has got one as soon as nothing will be added to it,
/// in an order that depends on the graph alone. Throws Error when the output was not recorded or its graph
/// was already used.
void backward(const Tensor& output, const Tensor& seed = {}, const OnGradient& on_gradient = {});

}  // namespace satsuma

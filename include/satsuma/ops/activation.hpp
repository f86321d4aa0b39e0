#pragma once

#include "satsuma/core/tensor.hpp"

namespace satsuma::ops {

/// max(x, 0), element by element. Any shape. NaN stays NaN; the derivative at 0 is 0. Saves its output.
Tensor relu(const Tensor& x);

/// x * Phi(x) = x / 2 * (1 + erf(x / sqrt 2)), element by element (Hendrycks and Gimpel, arXiv 1606.08415;
/// the exact form, which torchvision's and timm's transformers use). Any shape. Saves its input.
Tensor gelu(const Tensor& x);

}  // namespace satsuma::ops

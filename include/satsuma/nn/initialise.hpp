#pragma once

#include <functional>

#include "satsuma/core/rng.hpp"
#include "satsuma/core/tensor.hpp"

namespace satsuma::nn {

/// A tensor of drawn numbers, in row-major order, so that they do not depend on any layout. Under NoStorage
/// nothing is drawn.
Tensor drawn(const Shape& shape, const std::function<float()>& draw);

/// A convolution weight [K, C, R, S] drawn from the normal distribution with mean 0 and standard deviation
/// sqrt(2 / (K R S)): Kaiming initialisation for ReLU by fan-out (He et al., arXiv 1502.01852), as in
/// torchvision's ResNet.
Tensor kaiming_normal(const Shape& shape, Rng& rng);

/// Uniform in [-bound, bound). PyTorch's linear layer takes bound = 1 / sqrt(inputs), for weight and bias
/// alike.
Tensor uniform(const Shape& shape, double bound, Rng& rng);

}  // namespace satsuma::nn

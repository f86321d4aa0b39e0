#pragma once

#include "satsuma/core/rng.hpp"
#include "satsuma/core/tensor.hpp"

namespace satsuma::nn {

/// A convolution weight [K, C, R, S] drawn from the normal distribution with mean 0 and standard deviation
/// sqrt(2 / (K R S)): Kaiming initialisation for ReLU by fan-out (He et al., arXiv 1502.01852), as in
/// torchvision's ResNet.
Tensor kaiming_normal(const Shape& shape, Rng& rng);

/// Uniform in [-bound, bound). PyTorch's linear layer takes bound = 1 / sqrt(inputs), for weight and bias
/// alike.
Tensor uniform(const Shape& shape, double bound, Rng& rng);

}  // namespace satsuma::nn

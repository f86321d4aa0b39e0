#pragma once

#include "satsuma/autograd/saved_precision.hpp"
#include "satsuma/nn/module.hpp"

namespace satsuma::train {

/// How a training step of `model` keeps activations for its backward pass, for SavedPrecision: bf16 where
/// every convolution and linear layer multiplies bf16, else f32.
DType saved_precision_of(const nn::Module& model);

}  // namespace satsuma::train

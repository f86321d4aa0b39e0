#pragma once

#include <memory>

#include "satsuma/nn/module.hpp"

namespace satsuma::nn {

/// module(x) that keeps x alone for the backward pass (activation checkpointing, Chen et al., arXiv
/// 1604.06174): what the module's operations save is dropped as soon as the output is there, and backward()
/// runs the module once more. Gradients are those of module(x), bit for bit: the second run draws the same
/// random numbers from Module::generators(), keeps activations in the same precision, samples dY at the same
/// positions, and leaves the module's buffers (running statistics) as it found them.
///
/// Memory falls to the inputs of the checkpointed modules and the activations of one of them; the products of
/// FF are computed, and counted, twice. Under NoGrad this is module(x); a trace notes which ops run again.
/// The module has to be the same function in both runs: its mode and its parameters do not change between
/// forward and backward.
Tensor checkpoint(const std::shared_ptr<Module>& module, const Tensor& x);

}  // namespace satsuma::nn

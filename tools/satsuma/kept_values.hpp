#pragma once

#include <cstdint>

#include "satsuma/autograd/trace.hpp"

namespace satsuma::tools {

/// Bytes of activations that a training step keeps from the forward to the backward pass, by a trace of it in
/// fp32: what derivatives need of the ops that have one, each value once. Of checkpoints it is their inputs,
/// and the values of the largest, which are there while that runs again. Gradients that pass through and what
/// kernels lay out for themselves come on top.
std::int64_t kept_bytes(const Trace& trace);

}  // namespace satsuma::tools

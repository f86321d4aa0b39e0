#pragma once

#include "satsuma/core/dtype.hpp"

namespace satsuma {

/// The type in which operations that are recorded on this thread keep activations of f32 for the backward
/// pass: f32, or under SavedPrecision bf16. What they compute forward does not depend on it. In bf16 are kept
///   convolution, linear   their input, where they multiply bf16, which rounds it anyway
///   relu, add_relu        their output, of which the sign counts
///   batch_norm            its input without the mean of its channel, and its output where it ends in a ReLU
///   layer_norm            its input without the mean of its row
///   gelu, attention       their inputs; attention its output, too
/// The gradients of the last three rows differ by that rounding, 2^-9 of a number. Others keep what they need
/// as it is. Tensors of other types are kept as they are.
DType saved_precision();

/// Sets saved_precision() for a scope: the forward pass of a training step. Throws Error for types other than
/// f32 and bf16.
class SavedPrecision {
 public:
  explicit SavedPrecision(DType precision);
  ~SavedPrecision();
  SavedPrecision(const SavedPrecision&) = delete;
  SavedPrecision& operator=(const SavedPrecision&) = delete;

 private:
  DType before_;
};

}  // namespace satsuma

#pragma once

#include "satsuma/core/dtype.hpp"

namespace satsuma {

/// The type in which operations that are recorded on this thread keep large activations of f32 for the
/// backward pass: f32, or under SavedPrecision bf16. What they compute forward does not depend on it. A bf16
/// copy is half as large, and the gradients made of it differ by its rounding, 2^-9 of a number; ops/ says
/// of each function what it keeps.
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

#pragma once

#include "satsuma/core/tensor.hpp"
#include "satsuma/device/device.hpp"

namespace satsuma {

/// `x` with its elements rounded to `operands` (nearest even), in x's own dtype; x itself for f32. For
/// devices that have no instructions for the narrower type.
Tensor rounded(const Tensor& x, DType operands);

/// A weight rounded like that, and what it owns.
class RoundedWeight {
 public:
  RoundedWeight(const WeightOperand& w, DType operands);
  WeightOperand operand() const;

 private:
  Tensor dense_;
  PackedWeight packed_;
};

}  // namespace satsuma

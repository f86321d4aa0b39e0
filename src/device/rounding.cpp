#include "satsuma/device/rounding.hpp"

namespace satsuma {

Tensor rounded(const Tensor& x, DType operands) {
  return operands == DType::f32 ? x : x.to(operands).to(x.dtype());
}

RoundedWeight::RoundedWeight(const WeightOperand& w, DType operands) {
  if (w.dense != nullptr) {
    dense_ = rounded(*w.dense, operands);
  } else {
    packed_ = *w.packed;
    packed_.values = rounded(packed_.values, operands);
    if (operands != DType::f32) packed_.device_form = nullptr;  // made of the values before rounding
  }
}

WeightOperand RoundedWeight::operand() const {
  if (dense_.defined()) return {.dense = &dense_};
  return {.packed = &packed_};
}

}  // namespace satsuma

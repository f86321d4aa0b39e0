#pragma once

#include <initializer_list>

#include "satsuma/device/device.hpp"

namespace satsuma {

// What devices have in common that compute in f32.

/// Yes for tensors of f32, products of one of `operands`, one group of channels, and an output
/// gradient that is dense or one of `gradients`.
Support supports_f32(const LayerPlan& plan, Pass pass, std::initializer_list<DType> operands,
                     std::initializer_list<OperandKind> gradients = {});

/// Throws ShapeError unless `weight` is [K, C, R, S] of f32.
void check_compress(const Tensor& weight);

}  // namespace satsuma

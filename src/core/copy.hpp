#pragma once

#include "satsuma/core/tensor.hpp"

namespace satsuma {

/// Copies the elements of `source` to those of `target`: same shape, any layouts and types. Padding lanes of
/// the target are left alone, for they may be images of a tensor that it is a slice of.
void copy_elements(const Tensor& source, Tensor& target);

}  // namespace satsuma

#pragma once

#include <optional>

#include "satsuma/core/tensor.hpp"

namespace satsuma::train {

/// The first value, in the order of memory, that f32 holds only as infinity or NaN. Integers have none.
std::optional<double> first_not_finite(const Tensor& tensor);

}  // namespace satsuma::train

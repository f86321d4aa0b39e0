#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "satsuma/core/rng.hpp"
#include "satsuma/core/tensor.hpp"

namespace satsuma::testing {

/// An uninitialised tensor whose padding lanes, where it has any, hold large numbers, as they are allowed to:
/// code that lets them into a result is found out.
inline Tensor poisoned_tensor(const Shape& shape, DType dtype, MemoryFormat format) {
  Tensor result = Tensor::empty(shape, dtype, format);
  if (result.lanes() == 1) return result;
  Shape whole = shape;
  whole[0] = (shape[0] + kLanes - 1) / kLanes * kLanes;
  return Tensor::full(whole, 777.0, dtype, format).slice_view(0, 0, shape[0]);
}

/// Standard normal elements; padding lanes are poisoned.
inline Tensor random_tensor(const Shape& shape, std::uint64_t seed, DType dtype = DType::f64,
                            MemoryFormat format = MemoryFormat::row_major) {
  Rng rng(seed);
  std::vector<double> values(static_cast<std::size_t>(shape.numel()));
  for (double& value : values) value = static_cast<double>(rng.normal());
  Tensor result = poisoned_tensor(shape, dtype, format);
  result.copy_from(Tensor::from(values, shape));
  return result;
}

/// Numbers from -3 to 3 in random order, equally far apart and none of them 0: no small step makes another of
/// them the largest, or changes a sign.
inline Tensor distinct_tensor(const Shape& shape, std::uint64_t seed, DType dtype = DType::f64,
                              MemoryFormat format = MemoryFormat::row_major) {
  Rng rng(seed);
  const auto count = static_cast<std::size_t>(shape.numel());
  std::vector<double> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = 6.0 * (static_cast<double>(i) + 0.25) / static_cast<double>(count) - 3.0;
    std::swap(values[i], values[rng.below(i + 1)]);
  }
  Tensor result = poisoned_tensor(shape, dtype, format);
  result.copy_from(Tensor::from(values, shape));
  return result;
}

}  // namespace satsuma::testing

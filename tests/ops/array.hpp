#pragma once

#include <initializer_list>
#include <vector>

#include "satsuma/core/tensor.hpp"

namespace satsuma::testing {

/// Row-major doubles with an index: what the plain versions of the functions compute with.
struct Array {
  Shape shape;
  std::vector<double> values;

  explicit Array(const Shape& s) : shape(s), values(static_cast<std::size_t>(s.numel())) {}
  explicit Array(const Tensor& t) : shape(t.shape()), values(t.to_vector<double>()) {}

  double& at(std::initializer_list<std::int64_t> index) {
    std::int64_t offset = 0;
    int axis = 0;
    for (const std::int64_t i : index) offset = offset * shape[axis++] + i;
    return values[static_cast<std::size_t>(offset)];
  }
  double at(std::initializer_list<std::int64_t> index) const { return const_cast<Array*>(this)->at(index); }
  std::int64_t dim(int axis) const { return shape[axis]; }
};

}  // namespace satsuma::testing

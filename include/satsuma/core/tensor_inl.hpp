#pragma once

#include "satsuma/core/tensor.hpp"

namespace satsuma {

template <typename T>
T* Tensor::data() {
  check_dtype(dtype_of<T>);
  return reinterpret_cast<T*>(raw());
}

template <typename T>
const T* Tensor::data() const {
  check_dtype(dtype_of<T>);
  return reinterpret_cast<const T*>(raw());
}

template <typename F>
void for_each_offset(const Tensor& tensor, F&& visit) {
  const Shape& shape = tensor.shape();
  const Layout& layout = tensor.layout();
  if (shape.numel() == 0) return;
  const int rank = shape.rank();
  if (rank == 0) {
    visit(std::int64_t{0});
    return;
  }
  // All axes but the last count like an odometer; the last is a plain loop.
  const int last = rank - 1;
  Shape index = shape;
  for (int i = 0; i < rank; ++i) index[i] = 0;
  for (;;) {
    if (last == 0) {
      for (std::int64_t i = 0; i < shape[0]; ++i)
        visit(i / layout.lanes * layout.strides[0] + i % layout.lanes);
      return;
    }
    std::int64_t base = index[0] / layout.lanes * layout.strides[0] + index[0] % layout.lanes;
    for (int i = 1; i < last; ++i) base += index[i] * layout.strides[i];
    for (std::int64_t i = 0; i < shape[last]; ++i) visit(base + i * layout.strides[last]);
    int axis = last - 1;
    while (axis >= 0 && ++index[axis] == shape[axis]) index[axis--] = 0;
    if (axis < 0) return;
  }
}

template <typename T>
Tensor Tensor::from(std::span<const T> values, const Shape& shape) {
  Tensor result = empty(shape, dtype_of<T>);
  if (static_cast<std::int64_t>(values.size()) != shape.numel()) {
    throw ShapeError("Tensor::from got " + std::to_string(values.size()) + " values, expected as many as " +
                     to_string(shape) + " holds");
  }
  if (result.has_storage()) std::copy(values.begin(), values.end(), result.data<T>());
  return result;
}

template <typename T>
std::vector<T> Tensor::to_vector() const {
  std::vector<T> values;
  values.reserve(static_cast<std::size_t>(numel()));
  dispatch_any(dtype(), [&](auto element) {
    using Source = decltype(element);
    const Source* const source = data<Source>();
    for_each_offset(*this, [&](std::int64_t offset) { values.push_back(convert<T>(source[offset])); });
  });
  return values;
}

}  // namespace satsuma

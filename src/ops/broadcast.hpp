#pragma once

#include <cstdint>

#include "src/ops/support.hpp"

namespace satsuma::ops {

/// A tensor stretched to a larger shape: the stride is 0 along the axes that repeat.
struct Stretched {
  Tensor tensor;          ///< an activation where it has the whole batch, row-major where the batch repeats
  Shape strides;          ///< one for each axis of the result; the first is that of a block
  std::int64_t lane = 0;  ///< 1 where each image has its own element, 0 where all share one
};

/// `x` as an operand of a result of `shape`, to which it broadcasts, in a format with so many lanes.
Stretched stretch(const Tensor& x, const Shape& shape, std::int64_t lanes);

/// Sum of `g` over the axes along which a tensor of `shape` was repeated to give the shape of `g`; double
/// accumulation.
Tensor sum_to(const Tensor& g, const Shape& shape);

/// Calls `visit(count, offsets[], steps[])` for runs along the innermost axis of an activation of `shape`,
/// for one block: element j of operand i stands at offsets[i] + j * steps[i].
template <std::size_t kOperands, typename Visit>
void for_each_run(const Shape& shape, std::int64_t block, const std::array<Shape, kOperands>& strides,
                  Visit&& visit) {
  const int rank = shape.rank();
  const int inner = rank <= 1 ? -1 : rank == 4 ? 1 : rank - 1;
  const std::int64_t count = inner < 0 ? 1 : shape[inner];
  std::array<std::int64_t, kOperands> steps{};
  std::array<std::int64_t, kOperands> offsets{};
  for (std::size_t i = 0; i < kOperands; ++i) {
    steps[i] = inner < 0 ? 0 : strides[i][inner];
    offsets[i] = rank == 0 ? 0 : block * strides[i][0];
  }
  Shape index = shape;
  for (int axis = 0; axis < rank; ++axis) index[axis] = 0;
  for (;;) {
    visit(count, offsets, steps);
    int axis = rank - 1;
    for (; axis > 0; --axis) {
      if (axis == inner) continue;
      const bool carry = ++index[axis] == shape[axis];
      for (std::size_t i = 0; i < kOperands; ++i) {
        offsets[i] += carry ? (1 - shape[axis]) * strides[i][axis] : strides[i][axis];
      }
      if (!carry) break;
      index[axis] = 0;
    }
    if (axis <= 0) return;
  }
}

}  // namespace satsuma::ops

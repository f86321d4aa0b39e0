#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "satsuma/core/tensor.hpp"

namespace satsuma::ops {

/// The same elements in row-major order under another shape; one extent may be -1 and follows from the rest.
/// A view where the layout allows it (splitting or joining axes behind the batch). Throws ShapeError when the
/// sizes differ.
Tensor reshape(const Tensor& x, const Shape& shape);

/// [N, C, H, W] (any rank above 1) to [N, C * H * W].
Tensor flatten(const Tensor& x);

/// Axis i of the result is axis axes[i] of x. A view, unless it moves the batch of a blocked tensor.
Tensor permute(const Tensor& x, const std::vector<int>& axes);

/// Elements [begin, end) of an axis; negative axes count from the end. A view, except along the batch of a
/// blocked tensor.
Tensor slice(const Tensor& x, int axis, std::int64_t begin, std::int64_t end);

/// x repeated along axes of extent 1 and along new leading ones, to `shape`, as NumPy's broadcast_to. A view.
/// Throws ShapeError when x does not broadcast to it.
Tensor expand(const Tensor& x, const Shape& shape);

/// Tensors one after another along an axis; the other extents agree. Throws ShapeError when they do not, or
/// on none.
Tensor concat(std::span<const Tensor> parts, int axis);

}  // namespace satsuma::ops

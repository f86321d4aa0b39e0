#include "satsuma/ops/shape.hpp"

#include <algorithm>

#include "src/ops/broadcast.hpp"

namespace satsuma::ops {

namespace {

/// `shape` with its -1 replaced by what the number of elements leaves for it.
Shape resolved(const Tensor& x, const Shape& shape) {
  Shape result = shape;
  const auto* const open = std::find(shape.begin(), shape.end(), -1);
  if (open != shape.end()) {
    const auto axis = static_cast<int>(open - shape.begin());
    result[axis] = 1;
    const std::int64_t known = result.numel();
    result[axis] = known > 0 ? x.numel() / known : 0;
  }
  if (result.numel() != x.numel()) {
    throw ShapeError(fmt::format("[reshape] got {} for a tensor of {}, expected as many elements",
                                 to_string(shape), to_string(x.shape())));
  }
  return result;
}

Tensor reshaped(const Tensor& x, const Shape& shape) {
  if (Tensor view = x.reshape_view(shape); view.defined()) return view;
  // One copy straight into the format of activations where that is possible, for which the result is seen in
  // x's shape.
  if (shape.rank() > 0 && x.rank() > 0 && shape[0] == x.dim(0)) {
    Tensor result = Tensor::empty(shape, x.dtype(), format_with(lanes_of(x)));
    if (Tensor view = result.reshape_view(x.shape()); view.defined()) {
      view.copy_from(x);
      return result;
    }
  }
  return x.to(MemoryFormat::row_major).reshape_view(shape);
}

int checked_axis(const char* op, const Tensor& x, int axis) {
  const int i = axis < 0 ? axis + x.rank() : axis;
  if (i < 0 || i >= x.rank()) {
    throw ShapeError(fmt::format("[{}] got axis {}, expected one of the {} axes of {}", op, axis, x.rank(),
                                 to_string(x.shape())));
  }
  return i;
}

/// Blocks of images cannot be cut anywhere, so that whoever works along the batch does it in row-major order.
MemoryFormat format_along(int axis, std::int64_t lanes) {
  return axis == 0 ? MemoryFormat::row_major : format_with(lanes);
}

}  // namespace

Tensor reshape(const Tensor& x, const Shape& shape) {
  Tensor y = reshaped(x, resolved(x, shape));
  return record({"reshape", {x}, {{"shape", extents(y.shape())}}}, y, [&]() -> Backward {
    return [from = x.shape()](const Tensor& g, const std::vector<bool>&) {
      return std::vector<Tensor>{reshaped(g, from)};
    };
  });
}

Tensor flatten(const Tensor& x) {
  if (x.rank() < 2)
    throw ShapeError(fmt::format("[flatten] got {}, expected rank 2 or more", to_string(x.shape())));
  return reshape(x, {x.dim(0), x.numel() / std::max<std::int64_t>(x.dim(0), 1)});
}

Tensor permute(const Tensor& x, const std::vector<int>& axes) {
  Tensor y = x.permute_view(axes);
  const std::vector<std::int64_t> order(axes.begin(), axes.end());
  return record({"permute", {x}, {{"axes", order}}}, y, [&]() -> Backward {
    return [axes](const Tensor& g, const std::vector<bool>&) {
      std::vector<int> back(axes.size());
      for (std::size_t i = 0; i < axes.size(); ++i)
        back[static_cast<std::size_t>(axes[i])] = static_cast<int>(i);
      return std::vector<Tensor>{g.permute_view(back)};
    };
  });
}

Tensor slice(const Tensor& x, int axis, std::int64_t begin, std::int64_t end) {
  const int along = checked_axis("slice", x, axis);
  Tensor y = x.slice_view(along, begin, end);
  const Operation operation = {"slice", {x}, {{"axis", std::int64_t{along}}, {"begin", begin}, {"end", end}}};
  return record(operation, y, [&]() -> Backward {
    return [along, begin, end, shape = x.shape()](const Tensor& g, const std::vector<bool>&) {
      Tensor dx = Tensor::zeros(shape, g.dtype(), format_along(along, g.lanes()));
      dx.slice_view(along, begin, end).copy_from(g);
      return std::vector<Tensor>{dx};
    };
  });
}

Tensor expand(const Tensor& x, const Shape& shape) {
  if (!(broadcast("expand", x.shape(), shape) == shape)) {
    throw ShapeError(
        fmt::format("[expand] got {}, which does not broadcast to {}; expected extents that are "
                    "equal or 1",
                    to_string(x.shape()), to_string(shape)));
  }
  const Tensor from = x.to(MemoryFormat::row_major);
  Layout layout;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const int own = axis - (shape.rank() - x.rank());
    layout.strides.push_back(own < 0 || x.dim(own) == 1 ? 0 : from.layout().strides[own]);
  }
  Tensor y = from.view(shape, layout);
  return record({"expand", {x}, {{"shape", extents(shape)}}}, y, [&]() -> Backward {
    return [from = x.shape()](const Tensor& g, const std::vector<bool>&) {
      return std::vector<Tensor>{sum_to(g, from)};
    };
  });
}

Tensor concat(std::span<const Tensor> parts, int axis) {
  if (parts.empty()) throw ShapeError("[concat] got no tensors, expected one or more");
  const int along = checked_axis("concat", parts[0], axis);
  Shape shape = parts[0].shape();
  std::vector<std::int64_t> bounds = {0};
  for (const Tensor& part : parts) {
    Shape expected = part.rank() == shape.rank() ? part.shape() : Shape{};
    if (expected.rank() > 0) expected[along] = shape[along];
    if (!(expected == shape) || part.dtype() != parts[0].dtype()) {
      throw ShapeError(
          fmt::format("[concat] got {} of {} beside {} of {}, expected shapes that differ on axis {} only",
                      to_string(part.shape()), to_string(part.dtype()), to_string(parts[0].shape()),
                      to_string(parts[0].dtype()), along));
    }
    bounds.push_back(bounds.back() + part.dim(along));
  }
  shape[along] = bounds.back();
  // The largest part need not be converted.
  const auto largest = std::max_element(
      parts.begin(), parts.end(), [](const Tensor& a, const Tensor& b) { return a.numel() < b.numel(); });
  Tensor y = Tensor::empty(shape, parts[0].dtype(), format_along(along, largest->lanes()));
  const Operation operation = {"concat", {parts.begin(), parts.end()}, {{"axis", std::int64_t{along}}}};
  return record(operation, y, [&]() -> Backward {
    for (std::size_t i = 0; i < parts.size(); ++i) {
      y.slice_view(along, bounds[i], bounds[i + 1]).copy_from(parts[i]);
    }
    return [along, bounds](const Tensor& g, const std::vector<bool>& needs) {
      std::vector<Tensor> grads(needs.size());
      for (std::size_t i = 0; i < needs.size(); ++i) {
        if (needs[i]) grads[i] = g.slice_view(along, bounds[i], bounds[i + 1]);
      }
      return grads;
    };
  });
}

}  // namespace satsuma::ops

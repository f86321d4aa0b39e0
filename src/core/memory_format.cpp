#include "satsuma/core/memory_format.hpp"

#include <fmt/core.h>

#include "satsuma/core/error.hpp"

namespace satsuma {

namespace {

std::int64_t blocks(const Shape& shape, std::int64_t lanes) {
  return lanes == 1 ? shape[0] : (shape[0] + lanes - 1) / lanes;
}

}  // namespace

Layout layout_of(const Shape& shape, MemoryFormat format) {
  const int rank = shape.rank();
  Layout layout;
  for (int i = 0; i < rank; ++i) layout.strides.push_back(0);
  if (format == MemoryFormat::batch_blocked && rank >= 2) layout.lanes = kLanes;

  // Rank 4 is an image: channels come inside the pixels. Other ranks keep their order behind the batch.
  const bool channels_inside = rank == 4 && format != MemoryFormat::row_major;
  std::int64_t stride = layout.lanes;
  const auto place = [&](int axis) {
    layout.strides[axis] = stride;
    stride *= shape[axis] == 0 ? 1 : shape[axis];
  };
  if (channels_inside) place(1);
  for (int axis = rank - 1; axis >= 1; --axis) {
    if (!(channels_inside && axis == 1)) place(axis);
  }
  if (rank > 0) layout.strides[0] = stride;
  return layout;
}

std::int64_t storage_extent(const Shape& shape, const Layout& layout) {
  if (shape.rank() == 0) return 1;
  if (shape.numel() == 0) return 0;
  std::int64_t last = layout.lanes - 1;
  for (int i = 0; i < shape.rank(); ++i) {
    std::int64_t reach = 0;
    const std::int64_t steps = (i == 0 ? blocks(shape, layout.lanes) : shape[i]) - 1;
    if (__builtin_mul_overflow(steps, layout.strides[i], &reach) ||
        __builtin_add_overflow(last, reach, &last)) {
      throw ShapeError(fmt::format("shape {} has more elements than fit in 63 bits", to_string(shape)));
    }
  }
  return last + 1;
}

}  // namespace satsuma

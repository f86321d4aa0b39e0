#include "satsuma/device/geometry.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "satsuma/core/error.hpp"

namespace satsuma {

Shape Geometry::weight_shape(const char* op) const {
  const std::int64_t least = std::min({in_channels, out_channels, kernel[0], kernel[1], stride[0], stride[1],
                                       dilation[0], dilation[1], groups, padding[0] + 1, padding[1] + 1});
  if (least < 1) {
    throw ShapeError(
        fmt::format("[{}] got {}, expected channels, kernel, stride, dilation and groups of at least 1 "
                    "and padding of at least 0",
                    op, to_string(*this)));
  }
  if (in_channels % groups != 0 || out_channels % groups != 0) {
    throw ShapeError(
        fmt::format("[{}] got {}, expected channels that {} groups divide", op, to_string(*this), groups));
  }
  return {out_channels, in_channels / groups, kernel[0], kernel[1]};
}

Shape Geometry::output_shape(const char* op, const Shape& input) const {
  if (input.rank() != 4 || input[1] != in_channels) {
    throw ShapeError(fmt::format("[{}] got {}, expected [N, {}, H, W] for {}", op, to_string(input),
                                 in_channels, to_string(*this)));
  }
  Shape output = {input[0], out_channels, 0, 0};
  for (int i = 0; i < 2; ++i) {
    const auto axis = static_cast<std::size_t>(i);
    const std::int64_t span = dilation[axis] * (kernel[axis] - 1) + 1;
    const std::int64_t room = input[2 + i] + 2 * padding[axis] - span;
    if (room < 0) {
      throw ShapeError(fmt::format("[{}] got {}, expected a padded {} of at least {} for {}", op,
                                   to_string(input), i == 0 ? "height" : "width", span, to_string(*this)));
    }
    output[2 + i] = room / stride[axis] + 1;
  }
  return output;
}

std::int64_t Geometry::dense_macs(std::int64_t out_height, std::int64_t out_width) const {
  return out_channels * (in_channels / groups) * kernel[0] * kernel[1] * out_height * out_width;
}

namespace {

/// `2` for two equal extents, `2x1` otherwise.
std::string pair_text(const Pair& pair) {
  return pair[0] == pair[1] ? fmt::to_string(pair[0]) : fmt::format("{}x{}", pair[0], pair[1]);
}

}  // namespace

std::string to_string(const Geometry& geometry) {
  std::string text = fmt::format("a {}x{} convolution of {} to {} channels", geometry.kernel[0],
                                 geometry.kernel[1], geometry.in_channels, geometry.out_channels);
  const auto add = [&](const char* what, const Pair& value, const Pair& usual) {
    if (value != usual) text += fmt::format(", {} {}", what, pair_text(value));
  };
  add("stride", geometry.stride, {1, 1});
  add("padding", geometry.padding, {0, 0});
  add("dilation", geometry.dilation, {1, 1});
  if (geometry.groups != 1) text += fmt::format(", {} groups", geometry.groups);
  return text;
}

}  // namespace satsuma

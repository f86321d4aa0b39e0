#include "src/opencl/arguments.hpp"

#include <fmt/core.h>

#include <limits>

#include "satsuma/core/error.hpp"
#include "satsuma/core/integer.hpp"
#include "satsuma/core/memory_format.hpp"

namespace satsuma::opencl {

namespace {

void set(Int (&to)[2], const Pair& from) {
  to[0] = narrow(from[0]);
  to[1] = narrow(from[1]);
}

Window window_of(const Geometry& geometry) {
  Window window{};
  set(window.taps, geometry.kernel);
  set(window.stride, geometry.stride);
  set(window.padding, geometry.padding);
  set(window.dilation, geometry.dilation);
  return window;
}

}  // namespace

Int narrow(std::int64_t count) {
  if (count > std::numeric_limits<Int>::max()) {
    throw DeviceError(
        fmt::format("OpenCL kernels got {} elements in one tensor, expected less than 2^31", count));
  }
  return static_cast<Int>(count);
}

Product product_arguments(Pass pass, const PassSizes& sizes, Pattern pattern, bool packed) {
  const Geometry& g = sizes.geometry;
  const bool backward = pass == Pass::bp;
  const std::int64_t in_channels = backward ? g.out_channels : g.in_channels;
  const std::int64_t out_channels = backward ? g.in_channels : g.out_channels;
  const std::int64_t taps = g.kernel[0] * g.kernel[1];
  const Pattern grouped = packed ? pattern : Pattern();
  const std::int64_t kept = kept_along(grouped, in_channels);
  narrow(out_channels * taps * kept);

  Product p{};
  p.operand = p.weight = p.result = 0;
  p.indices = p.bias = kNowhere;
  p.images = narrow(sizes.images);
  set(p.in_size, backward ? sizes.out_size : sizes.in_size);
  set(p.out_size, backward ? sizes.in_size : sizes.out_size);
  p.in_channels = narrow(in_channels);
  p.out_channels = narrow(out_channels);
  p.window = window_of(g);
  p.backward = backward ? 1 : 0;
  p.n = grouped.n;
  p.m = grouped.m;
  p.unit = p.in_channels;
  if (packed || !backward) {
    p.column_stride = narrow(taps * kept);
    p.tap_stride = narrow(kept);
    p.stride = 1;
  } else {  // [K][R][S][C], reduced over K
    p.column_stride = 1;
    p.tap_stride = narrow(out_channels);
    p.stride = narrow(taps * out_channels);
  }
  return p;
}

Gradient gradient_arguments(const PassSizes& sizes) {
  Gradient p{};
  p.images = narrow(sizes.images);
  set(p.in_size, sizes.in_size);
  set(p.out_size, sizes.out_size);
  p.in_channels = narrow(sizes.geometry.in_channels);
  p.out_channels = narrow(sizes.geometry.out_channels);
  p.window = window_of(sizes.geometry);
  return p;
}

BiasGradient bias_gradient_arguments(const PassSizes& sizes) {
  BiasGradient p{};
  p.blocks = narrow(ceil_div(sizes.images, kLanes));
  p.pixels = narrow(sizes.out_size[0] * sizes.out_size[1]);
  p.channels = narrow(sizes.geometry.out_channels);
  return p;
}

Reduction reduction_arguments(const std::array<std::int64_t, 4>& shape, GroupAxis axis, Pattern pattern) {
  const auto [out_channels, in_channels, height, width] = shape;
  narrow(out_channels * in_channels * height * width);
  Reduction p{};
  p.halves = kNowhere;
  p.out_channels = narrow(out_channels);
  p.in_channels = narrow(in_channels);
  p.taps = narrow(height * width);
  p.along_inputs = axis == GroupAxis::input_channels ? 1 : 0;
  p.n = pattern.n;
  p.m = pattern.m;
  return p;
}

Step step_arguments(const std::array<std::int64_t, 4>& shape, const SgdStep& step, Pattern pattern) {
  const auto [out_channels, in_channels, height, width] = shape;
  narrow(out_channels * in_channels * height * width);
  Step p{};
  p.velocity = kNowhere;
  p.rows = narrow(out_channels * height * width);
  p.channels = narrow(in_channels);
  // Without a mask to be made weights are in no groups.
  p.n = step.sr_ste != 0 ? pattern.n : 1;
  p.m = step.sr_ste != 0 ? pattern.m : 1;
  p.lr = static_cast<float>(step.lr);
  p.momentum = static_cast<float>(step.rule.momentum);
  p.weight_decay = static_cast<float>(step.rule.weight_decay);
  p.sr_ste = static_cast<float>(step.sr_ste);
  p.nesterov = step.rule.nesterov ? 1 : 0;
  return p;
}

std::int64_t vectors_of(const Product& p) {
  return narrow(ceil_div(std::int64_t{p.images}, kLanes) * p.out_size[0] * p.out_size[1]);
}

std::int64_t groups_of(const Reduction& p) {
  const std::int64_t rows = p.along_inputs ? p.out_channels : p.in_channels;
  const std::int64_t length = p.along_inputs ? p.in_channels : p.out_channels;
  return rows * p.taps * ceil_div(length, std::int64_t{p.m});
}

std::int64_t groups_of(const Step& p) {
  return std::int64_t{p.rows} * ceil_div(std::int64_t{p.channels}, std::int64_t{p.m});
}

}  // namespace satsuma::opencl

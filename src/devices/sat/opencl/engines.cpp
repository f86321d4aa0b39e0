// Commands of the three engines as kernels.

#include <fmt/format.h>

#include <limits>

#include "satsuma/core/error.hpp"
#include "satsuma/core/integer.hpp"
#include "satsuma/core/memory_format.hpp"
#include "src/devices/sat/opencl/interface.hpp"
#include "src/devices/sat/opencl/transport.hpp"

namespace satsuma::sat::driver {

namespace {

using kernel::Int;

/// A number of elements as kernels count them.
Int narrow(std::int64_t count) {
  if (count > std::numeric_limits<Int>::max()) {
    throw DeviceError(
        fmt::format("device 'sat:opencl' got {} elements in one tensor, expected less than 2^31", count));
  }
  return static_cast<Int>(count);
}

std::size_t groups_of(std::int64_t items, std::int64_t size) {
  return static_cast<std::size_t>(ceil_div(items, size));
}

void set(Int (&to)[2], const Pair& from) {
  to[0] = narrow(from[0]);
  to[1] = narrow(from[1]);
}

kernel::Window window_of(const Geometry& geometry) {
  kernel::Window window{};
  set(window.taps, geometry.kernel);
  set(window.stride, geometry.stride);
  set(window.padding, geometry.padding);
  set(window.dilation, geometry.dilation);
  return window;
}

/// Elements of a batch-blocked activation.
std::int64_t extent(const Contract& c, std::int64_t channels, const Pair& size) {
  return ceil_div(c.images, kLanes) * kLanes * channels * size[0] * size[1];
}

}  // namespace

void OpenClTransport::run(const Contract& command, Pending& pending) {
  command.pass == Pass::wu ? multiply_gradients(command, pending) : multiply(command, pending);
}

void OpenClTransport::multiply(const Contract& c, Pending& pending) {
  const bool backward = c.pass == Pass::bp, packed = c.indices != kNowhere;
  const Geometry& g = c.geometry;
  const Pair in_size = backward ? c.out_size : c.in_size, out_size = backward ? c.in_size : c.out_size;
  const std::int64_t in_channels = backward ? g.out_channels : g.in_channels;
  const std::int64_t out_channels = backward ? g.in_channels : g.out_channels;
  const std::int64_t taps = g.kernel[0] * g.kernel[1];
  const Pattern pattern = packed ? c.pattern : Pattern();
  const std::int64_t kept = kept_along(pattern, in_channels);

  kernel::Product p{};
  p.operand = backward ? c.dy : c.x;
  p.weight = c.weight;
  p.indices = c.indices;
  p.bias = c.bias;
  p.result = c.result;
  p.images = narrow(c.images);
  set(p.in_size, in_size);
  p.in_channels = narrow(in_channels);
  set(p.out_size, out_size);
  p.out_channels = narrow(out_channels);
  p.window = window_of(g);
  p.backward = backward ? 1 : 0;
  p.n = pattern.n;
  p.m = pattern.m;
  p.unit = narrow(channel_unit(pattern));
  if (packed || !backward) {
    p.column_stride = narrow(taps * kept);
    p.tap_stride = narrow(kept);
    p.stride = 1;
  } else {  // [K][R][S][C], reduced over K
    p.column_stride = 1;
    p.tap_stride = narrow(out_channels);
    p.stride = narrow(taps * out_channels);
  }
  check(p.operand, extent(c, in_channels, in_size), sizeof(std::uint16_t));
  check(p.weight, narrow(out_channels * taps * kept), sizeof(std::uint16_t));
  if (packed) check(p.indices, out_channels * taps * kept, 1);
  if (p.bias != kNowhere) check(p.bias, out_channels, sizeof(float));
  check(p.result, extent(c, out_channels, out_size), sizeof(float));

  const bool stationary = c.dataflow == Dataflow::weight_stationary;
  opencl::Kernel& kernel = stationary ? ws_ : os_;
  const std::int64_t rows = stationary ? 1 : config_.rows;
  const std::int64_t vectors = narrow(ceil_div(c.images, kLanes) * out_size[0] * out_size[1]);
  kernel.set(memory_, memory_, memory_, memory_, memory_, p);
  pending.kernels.push_back(session_.run(
      kernel,
      {{groups_of(out_channels, config_.columns), groups_of(vectors, stationary ? kernel::kStream : rows)},
       {static_cast<std::size_t>(config_.columns), static_cast<std::size_t>(rows)}}));
}

void OpenClTransport::multiply_gradients(const Contract& c, Pending& pending) {
  const Geometry& g = c.geometry;
  kernel::Gradient p{};
  p.x = c.x;
  p.dy = c.dy;
  p.result = c.result;
  p.images = narrow(c.images);
  set(p.in_size, c.in_size);
  p.in_channels = narrow(g.in_channels);
  set(p.out_size, c.out_size);
  p.out_channels = narrow(g.out_channels);
  p.window = window_of(g);
  check(p.x, extent(c, g.in_channels, c.in_size), sizeof(std::uint16_t));
  check(p.dy, extent(c, g.out_channels, c.out_size), sizeof(std::uint16_t));
  check(p.result, g.weight_shape().numel(), sizeof(float));

  const bool stationary = c.dataflow == Dataflow::weight_stationary;
  opencl::Kernel& kernel = stationary ? wu_ws_ : wu_os_;
  const std::int64_t rows = stationary ? 1 : config_.rows;
  const std::int64_t vectors = narrow(ceil_div(g.in_channels, kLanes) * g.kernel[0] * g.kernel[1]);
  const auto columns = static_cast<std::size_t>(config_.columns);
  const std::size_t column_groups = groups_of(g.out_channels, config_.columns);
  kernel.set(memory_, memory_, memory_, p);
  pending.kernels.push_back(
      session_.run(kernel, {{column_groups, groups_of(vectors, stationary ? kernel::kStream : rows)},
                            {columns, static_cast<std::size_t>(rows)}}));

  if (c.dbias == kNowhere) return;
  check(c.dbias, g.out_channels, sizeof(float));
  bias_gradient_.set(memory_, memory_,
                     kernel::BiasGradient{c.dy, c.dbias, narrow(ceil_div(c.images, kLanes)),
                                          narrow(c.out_size[0] * c.out_size[1]), narrow(g.out_channels)});
  pending.kernels.push_back(session_.run(bias_gradient_, {{column_groups, 1}, {columns, 1}}));
}

void OpenClTransport::run(const Reduce& c, Pending& pending) {
  const auto [out_channels, in_channels, height, width] = c.shape;
  const bool along_inputs = c.axis == GroupAxis::input_channels;
  const std::int64_t taps = height * width;
  const std::int64_t length = along_inputs ? in_channels : out_channels;
  const std::int64_t lines = (along_inputs ? out_channels : in_channels) * taps;
  const std::int64_t kept = lines * kept_along(c.pattern, length);
  if (c.pattern.m > largest_group_) {
    throw DeviceError(fmt::format("{} takes groups of at most {} weights, got {}", where(), largest_group_,
                                  to_string(c.pattern)));
  }
  check(c.weight, narrow(out_channels * in_channels * taps), sizeof(float));
  check(c.to.values, kept, sizeof(float));
  check(c.to.halves, kept, sizeof(std::uint16_t));
  check(c.to.indices, kept, 1);
  sore_.set(
      memory_, memory_, memory_, memory_,
      kernel::Reduction{c.weight, c.to.values, c.to.halves, c.to.indices, narrow(out_channels),
                        narrow(in_channels), narrow(taps), along_inputs ? 1 : 0, c.pattern.n, c.pattern.m});
  pending.kernels.push_back(
      session_.run(sore_, {{groups_of(lines * ceil_div(length, c.pattern.m), config_.sore_lanes), 1},
                           {static_cast<std::size_t>(config_.sore_lanes), 1}}));
}

void OpenClTransport::run(const Update& c, Pending& pending) {
  const auto [out_channels, in_channels, height, width] = c.shape;
  const std::int64_t rows = out_channels * height * width;
  // Without a mask to be made weights are no groups.
  const Pattern pattern = c.step.decay != 0 ? c.pattern : Pattern();
  if (pattern.m > largest_group_) {
    throw DeviceError(fmt::format("{} takes groups of at most {} weights, got {}", where(), largest_group_,
                                  to_string(pattern)));
  }
  for (const Address address : {c.weight, c.gradient, c.velocity}) {
    if (address != kNowhere) check(address, narrow(rows * in_channels), sizeof(float));
  }
  wuve_.set(memory_, memory_, memory_,
            kernel::Step{c.weight, c.gradient, c.velocity, narrow(rows), narrow(in_channels), pattern.n,
                         pattern.m, static_cast<float>(c.step.lr), static_cast<float>(c.step.momentum),
                         static_cast<float>(c.step.weight_decay), static_cast<float>(c.step.decay),
                         c.step.nesterov ? 1 : 0, 0});
  pending.kernels.push_back(
      session_.run(wuve_, {{groups_of(rows * ceil_div(in_channels, pattern.m), config_.wuve_lanes), 1},
                           {static_cast<std::size_t>(config_.wuve_lanes), 1}}));
  if (c.ff.halves != kNowhere)
    run(Reduce{c.weight, c.shape, GroupAxis::input_channels, c.pattern, c.ff}, pending);
  if (c.bp.halves != kNowhere)
    run(Reduce{c.weight, c.shape, GroupAxis::output_channels, c.pattern, c.bp}, pending);
}

}  // namespace satsuma::sat::driver

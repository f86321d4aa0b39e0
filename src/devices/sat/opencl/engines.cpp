// Commands of the three engines as kernels.

#include <fmt/core.h>

#include "satsuma/core/error.hpp"
#include "satsuma/core/integer.hpp"
#include "satsuma/core/memory_format.hpp"
#include "src/devices/sat/opencl/interface.hpp"
#include "src/devices/sat/opencl/transport.hpp"

namespace satsuma::sat::driver {

namespace {

std::size_t work_groups(std::int64_t items, std::int64_t size) {
  return static_cast<std::size_t>(ceil_div(items, size));
}

opencl::PassSizes sizes_of(const Contract& c) {
  return {c.geometry, c.images, c.in_size, c.out_size};
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
  opencl::Product p = opencl::product_arguments(c.pass, sizes_of(c), c.pattern, packed);
  p.unit = opencl::narrow(channel_unit({p.n, p.m}));
  p.operand = backward ? c.dy : c.x;
  p.weight = c.weight;
  p.indices = c.indices;
  p.bias = c.bias;
  p.result = c.result;
  const std::int64_t weights =
      c.geometry.kernel[0] * c.geometry.kernel[1] * p.out_channels * kept_along({p.n, p.m}, p.in_channels);
  check(p.operand, extent(c, p.in_channels, backward ? c.out_size : c.in_size), sizeof(std::uint16_t));
  check(p.weight, weights, sizeof(std::uint16_t));
  if (packed) check(p.indices, weights, 1);
  if (p.bias != kNowhere) check(p.bias, p.out_channels, sizeof(float));
  check(p.result, extent(c, p.out_channels, backward ? c.in_size : c.out_size), sizeof(float));

  opencl::Kernel& kernel = c.dataflow == Dataflow::weight_stationary ? ws_ : os_;
  kernel.set(memory_, memory_, memory_, memory_, memory_, p);
  pending.kernels.push_back(session_.run(kernel, array_range(c.dataflow, p.out_channels, vectors_of(p))));
}

void OpenClTransport::multiply_gradients(const Contract& c, Pending& pending) {
  const Geometry& g = c.geometry;
  opencl::Gradient p = opencl::gradient_arguments(sizes_of(c));
  p.x = c.x;
  p.dy = c.dy;
  p.result = c.result;
  check(p.x, extent(c, g.in_channels, c.in_size), sizeof(std::uint16_t));
  check(p.dy, extent(c, g.out_channels, c.out_size), sizeof(std::uint16_t));
  check(p.result, g.weight_shape().numel(), sizeof(float));

  opencl::Kernel& kernel = c.dataflow == Dataflow::weight_stationary ? wu_ws_ : wu_os_;
  const std::int64_t vectors = opencl::narrow(ceil_div(g.in_channels, kLanes) * g.kernel[0] * g.kernel[1]);
  kernel.set(memory_, memory_, memory_, p);
  pending.kernels.push_back(session_.run(kernel, array_range(c.dataflow, g.out_channels, vectors)));

  if (c.dbias == kNowhere) return;
  check(c.dbias, g.out_channels, sizeof(float));
  check(c.bias_dy, extent(c, g.out_channels, c.out_size), sizeof(std::uint16_t));
  opencl::BiasGradient bias = opencl::bias_gradient_arguments(sizes_of(c));
  bias.dy = c.bias_dy;
  bias.result = c.dbias;
  bias_gradient_.set(memory_, memory_, bias);
  pending.kernels.push_back(
      session_.run(bias_gradient_, array_range(Dataflow::weight_stationary, g.out_channels, 1)));
}

opencl::Range OpenClTransport::array_range(Dataflow dataflow, std::int64_t columns,
                                           std::int64_t vectors) const {
  const bool stationary = dataflow == Dataflow::weight_stationary;
  const std::int64_t rows = stationary ? 1 : config_.rows;
  return {{work_groups(columns, config_.columns), work_groups(vectors, stationary ? kernel::kStream : rows)},
          {static_cast<std::size_t>(config_.columns), static_cast<std::size_t>(rows)}};
}

void OpenClTransport::check_group(Pattern pattern) const {
  if (pattern.shared > 1) {
    throw DeviceError(
        fmt::format("{} has an index for each row, got pattern {}", where(), to_string(pattern)));
  }
  if (pattern.m <= largest_group_) return;
  throw DeviceError(fmt::format("{} takes groups of at most {} weights, got {}", where(), largest_group_,
                                to_string(pattern)));
}

void OpenClTransport::run(const Reduce& c, Pending& pending) {
  check_group(c.pattern);
  opencl::Reduction p = opencl::reduction_arguments(c.shape, c.axis, c.pattern);
  p.weight = c.weight;
  p.values = c.to.values;
  p.halves = c.to.halves;
  p.indices = c.to.indices;
  const std::int64_t rows = std::int64_t{p.along_inputs ? p.out_channels : p.in_channels} * p.taps;
  const std::int64_t kept = rows * kept_along(c.pattern, p.along_inputs ? p.in_channels : p.out_channels);
  check(p.weight, std::int64_t{p.out_channels} * p.in_channels * p.taps, sizeof(float));
  check(p.values, kept, sizeof(float));
  check(p.halves, kept, sizeof(std::uint16_t));
  check(p.indices, kept, 1);
  sore_.set(memory_, memory_, memory_, memory_, p);
  const auto lanes = static_cast<std::size_t>(config_.sore_lanes);
  pending.kernels.push_back(
      session_.run(sore_, {{work_groups(groups_of(p), config_.sore_lanes), 1}, {lanes, 1}}));
}

void OpenClTransport::run(const Update& c, Pending& pending) {
  opencl::Step p = opencl::step_arguments(c.shape, c.step, c.pattern);
  // Without a mask to be made weights are in no groups.
  if (c.step.sr_ste != 0) check_group(c.pattern);
  p.weight = c.weight;
  p.gradient = c.gradient;
  p.velocity = c.velocity;
  for (const Address address : {c.weight, c.gradient, c.velocity}) {
    if (address != kNowhere) check(address, std::int64_t{p.rows} * p.channels, sizeof(float));
  }
  wuve_.set(memory_, memory_, memory_, p);
  const auto lanes = static_cast<std::size_t>(config_.wuve_lanes);
  pending.kernels.push_back(
      session_.run(wuve_, {{work_groups(groups_of(p), config_.wuve_lanes), 1}, {lanes, 1}}));
  if (c.ff.halves != kNowhere)
    run(Reduce{c.weight, c.shape, GroupAxis::input_channels, c.pattern, c.ff}, pending);
  if (c.bp.halves != kNowhere)
    run(Reduce{c.weight, c.shape, GroupAxis::output_channels, c.pattern, c.bp}, pending);
}

}  // namespace satsuma::sat::driver

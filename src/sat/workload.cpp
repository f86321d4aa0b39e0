#include "satsuma/sat/workload.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "satsuma/core/error.hpp"
#include "src/sat/fingerprint.hpp"

namespace satsuma::sat {

namespace {

// Extents and products of this size leave room in 64 bits for the cycles and bytes that follow from them.
constexpr std::int64_t kMostMacs = std::int64_t{1} << 53;
constexpr std::int64_t kLargestExtent = std::int64_t{1} << 31;
constexpr std::int64_t kLargestKernel = 1024;

void check_extents(const Layer& layer) {
  const Geometry& g = layer.plan.geometry;
  g.weight_shape();
  for (const std::int64_t extent :
       {g.in_channels, g.out_channels, layer.input[0], layer.input[1], layer.batch}) {
    if (extent < 1 || extent > kLargestExtent) {
      throw UsageError(fmt::format("got an extent of {}, expected 1 to {}", extent, kLargestExtent));
    }
  }
  for (const Pair& pair : {g.kernel, g.stride, g.dilation, g.padding}) {
    if (std::max(pair[0], pair[1]) > kLargestKernel) {
      throw UsageError(fmt::format("got {}x{} for kernel, stride, dilation or padding, expected at most {}",
                                   pair[0], pair[1], kLargestKernel));
    }
  }
}

/// Multiply-adds are bounded factor by factor, so that the check itself cannot overflow; the input is
/// counted too, for a stride larger than the kernel leaves most of it out of the products.
void check_size(const Layer& layer) {
  const Geometry& g = layer.plan.geometry;
  const Pair out = layer.output();
  std::int64_t size = 1;
  for (const std::int64_t factor : {g.out_channels, g.in_channels, g.kernel[0], g.kernel[1], layer.batch,
                                    std::max(out[0], layer.input[0]), std::max(out[1], layer.input[1])}) {
    if (__builtin_mul_overflow(size, factor, &size) || size > kMostMacs) {
      throw UsageError(
          fmt::format("got more than {} multiply-adds in a pass, expected at most that many; "
                      "take a smaller batch",
                      kMostMacs));
    }
  }
}

void check_operands(const LayerPlan& plan, const PassPlan& pass) {
  for (const OperandPlan& operand : {pass.weight, pass.gradient}) {
    validate(operand.pattern);
    if (operand.skips() && plan.geometry.groups > 1) {
      throw UsageError(fmt::format("got {} and {} groups of channels, expected a dense layer",
                                   to_string(operand.pattern), plan.geometry.groups));
    }
  }
  if (plan.transposable) {
    throw UsageError(
        "got a mask along both channels of a weight, expected one along one: SORE picks the largest of a "
        "group");
  }
  if (pass.weight.bits != 0) {
    throw UsageError("got weights of few bits, expected them as they are: SAT has no unit that rounds them");
  }
  if (pass.weight.skips() && pass.gradient.skips()) {
    throw UsageError("got N:M weights and gradients in one pass, expected one of them dense");
  }
}

}  // namespace

Pair Layer::output() const {
  const Shape shape =
      plan.geometry.output_shape(plan.name.c_str(), {batch, plan.geometry.in_channels, input[0], input[1]});
  return {shape[2], shape[3]};
}

Pattern Layer::pattern(Pass pass) const {
  const OperandPlan& operand = plan[pass].skipping();
  return operand.skips() ? operand.pattern : Pattern();
}

Pattern Layer::packed_weight(Pass pass) const {
  const OperandPlan& weight = plan[pass].weight;
  return weight.skips() ? weight.pattern : Pattern();
}

std::int64_t Layer::macs(Pass pass) const {
  const Pair out = output();
  return pass_macs(plan, pass, batch, out[0], out[1]);
}

std::int64_t Layer::dense_macs(Pass pass) const {
  const Pair out = output();
  return dense_pass_macs(plan, pass, batch, out[0], out[1]);
}

void check(const Layer& layer) {
  try {
    check_extents(layer);
    layer.output();
    check_size(layer);
    for (const PassPlan& pass : layer.plan.passes) check_operands(layer.plan, pass);
  } catch (const UsageError& error) {
    throw UsageError(fmt::format("layer '{}': {}", layer.plan.name, error.what()));
  } catch (const ShapeError& error) {
    throw ShapeError(fmt::format("layer '{}': {}", layer.plan.name, error.what()));
  }
}

void check(const Workload& workload) {
  if (workload.layers.empty()) {
    throw UsageError(fmt::format("workload '{}' has no layers, expected at least one", workload.name));
  }
  for (const Layer& layer : workload.layers) check(layer);
}

Layer gemm_layer(std::string name, std::int64_t m, std::int64_t k, std::int64_t n) {
  Layer layer;
  layer.plan.name = std::move(name);
  layer.plan.geometry.out_channels = m;
  layer.plan.geometry.in_channels = k;
  layer.input = {n, 1};
  layer.plan.forward_only = true;
  layer.plan = planned(std::move(layer.plan), {});
  check(layer);
  return layer;
}

void apply(Workload& workload, const Sparsity& sparsity) {
  for (Layer& layer : workload.layers) layer.plan = planned(std::move(layer.plan), sparsity);
}

std::string work_of(const Layer& layer) {
  const Geometry& g = layer.plan.geometry;
  std::string text =
      fmt::format("{} {} {} {} {} {} {} {} {} {} {} {} {} {}", g.in_channels, g.out_channels, g.kernel[0],
                  g.kernel[1], g.stride[0], g.stride[1], g.padding[0], g.padding[1], g.dilation[0],
                  g.dilation[1], g.groups, layer.input[0], layer.input[1], layer.batch);
  for (const PassPlan& pass : layer.plan.passes) {
    text += pass.run ? " run" : " -";
    for (const OperandPlan& operand : {pass.weight, pass.gradient}) {
      if (operand.skips()) text += fmt::format(" {} {}", to_string(operand.kind), to_string(operand.pattern));
    }
  }
  return text;
}

std::string fingerprint(const Workload& workload) {
  std::string text;
  for (const Layer& layer : workload.layers) text += fmt::format("{} {}\n", layer.plan.name, work_of(layer));
  return fingerprint_of(text);
}

}  // namespace satsuma::sat

#include "satsuma/sat/workload.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "satsuma/core/error.hpp"
#include "satsuma/device/macs.hpp"
#include "src/sat/fingerprint.hpp"

namespace satsuma::sat {

namespace {

// Extents and products of this size leave room in 64 bits for the cycles and bytes that follow from them.
constexpr std::int64_t kMostMacs = std::int64_t{1} << 53;
constexpr std::int64_t kLargestExtent = std::int64_t{1} << 31;
constexpr std::int64_t kLargestKernel = 1024;

void check_extents(const Layer& layer) {
  const Geometry& g = layer.geometry;
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
  const Geometry& g = layer.geometry;
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

}  // namespace

Pair Layer::output() const {
  const Shape shape = geometry.output_shape(name.c_str(), {batch, geometry.in_channels, input[0], input[1]});
  return {shape[2], shape[3]};
}

bool Layer::runs(Pass pass) const {
  return pass == Pass::ff || (has_update && (pass == Pass::wu || has_bp));
}

Pattern Layer::pattern(Pass pass) const {
  if (pass == Pass::ff) return patterns.ff_weight;
  if (pass == Pass::wu) return {};
  return patterns.bp_gradient.dense() ? patterns.bp_weight : patterns.bp_gradient;
}

std::int64_t Layer::macs(Pass pass) const {
  const Pair out = output();
  // A pruned dY saves what a pruned weight saves: both are kept along output channels.
  return runs(pass) ? batch * pass_macs(geometry, pass, pattern(pass), out[0], out[1]) : 0;
}

std::int64_t Layer::dense_macs(Pass pass) const {
  const Pair out = output();
  return runs(pass) ? batch * geometry.dense_macs(out[0], out[1]) : 0;
}

void check(const Layer& layer) {
  try {
    check_extents(layer);
    layer.output();
    check_size(layer);
    for (const Pattern pattern :
         {layer.patterns.ff_weight, layer.patterns.bp_weight, layer.patterns.bp_gradient}) {
      validate(pattern);
      if (!pattern.dense() && layer.geometry.groups > 1) {
        throw UsageError(fmt::format("got {} and {} groups of channels, expected a dense layer",
                                     to_string(pattern), layer.geometry.groups));
      }
    }
    if (!layer.patterns.bp_weight.dense() && !layer.patterns.bp_gradient.dense()) {
      throw UsageError("got N:M weights and gradients in BP, expected one of them dense");
    }
  } catch (const UsageError& error) {
    throw UsageError(fmt::format("layer '{}': {}", layer.name, error.what()));
  } catch (const ShapeError& error) {
    throw ShapeError(fmt::format("layer '{}': {}", layer.name, error.what()));
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
  layer.name = std::move(name);
  layer.geometry.out_channels = m;
  layer.geometry.in_channels = k;
  layer.input = {n, 1};
  layer.has_update = false;
  check(layer);
  return layer;
}

std::string fingerprint(const Workload& workload) {
  std::string text;
  for (const Layer& layer : workload.layers) {
    const Geometry& g = layer.geometry;
    text += fmt::format("{} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {}{}{}", layer.name, g.in_channels,
                        g.out_channels, g.kernel[0], g.kernel[1], g.stride[0], g.stride[1], g.padding[0],
                        g.padding[1], g.dilation[0], g.dilation[1], g.groups, layer.input[0], layer.input[1],
                        layer.batch, layer.has_bp, layer.prunable, layer.has_update, "");
    text += fmt::format(" {} {} {}\n", to_string(layer.patterns.ff_weight),
                        to_string(layer.patterns.bp_weight), to_string(layer.patterns.bp_gradient));
  }
  return fingerprint_of(text);
}

}  // namespace satsuma::sat

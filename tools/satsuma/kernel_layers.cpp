#include "tools/satsuma/kernel_layers.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <set>

#include "satsuma/core/error.hpp"
#include "satsuma/train/placement.hpp"
#include "tools/satsuma/layers.hpp"

namespace satsuma::tools {

namespace {

/// The largest image that gives this output: what even sizes and strides of 2 come from.
Shape image_of(const Geometry& geometry, const Shape& output) {
  Shape image = {geometry.in_channels};
  for (std::size_t i = 0; i < 2; ++i) {
    const std::int64_t steps = output[static_cast<int>(i) + 1] * geometry.stride[i] - 1;
    image.push_back(steps + geometry.dilation[i] * (geometry.kernel[i] - 1) + 1 - 2 * geometry.padding[i]);
  }
  return image;
}

}  // namespace

LayerPlan KernelLayer::plan(MethodText method, Pattern pattern) const {
  return planned(
      {geometry, DType::f32, layer},
      {.method = method.method, .pattern = pattern, .wu = method.samples_wu ? pattern : Pattern()});
}

std::vector<KernelLayer> pruned_layers(const ModelSettings& settings, const std::string& method,
                                       const std::vector<Pattern>& patterns) {
  const std::shared_ptr<nn::Module> model = settings.create_shapes();
  const std::vector<Layer> layers = trace_layers(*model, settings.options().input);
  // A layer counts when any of the patterns prunes it.
  std::set<const Contraction*> pruned;
  train::LayerOptions options;
  for (const Pattern pattern : patterns) {
    options.pattern = pattern;
    options.set_method(method);
    train::configure_layers(*model, options);
    for (const Layer& layer : layers) {
      if (layer.contraction->plan().sparse()) pruned.insert(layer.contraction.get());
    }
  }
  std::vector<KernelLayer> cases;
  for (const Layer& layer : layers) {
    if (!pruned.contains(layer.contraction.get())) continue;
    const auto same = std::find_if(cases.begin(), cases.end(), [&](const KernelLayer& c) {
      return c.geometry == layer.contraction->geometry() && c.output == layer.output &&
             c.has_bp == layer.contraction->plan()[Pass::bp].run;
    });
    if (same != cases.end()) {
      ++same->count;
      continue;
    }
    const Geometry& geometry = layer.contraction->geometry();
    cases.push_back({layer.contraction->name(), 1, geometry, image_of(geometry, layer.output), layer.output,
                     layer.contraction->plan()[Pass::bp].run});
  }
  if (cases.empty()) {
    const std::string pattern = to_string(patterns.front());
    throw UsageError(
        fmt::format("{} has no layer that {} {} prunes; see satsuma info --model {} --method {} --nm {}",
                    settings.model, method, pattern, settings.model, method, pattern));
  }
  return cases;
}

double share_in_image(const KernelLayer& layer) {
  const Geometry& geometry = layer.geometry;
  double share = 1;
  for (std::size_t i = 0; i < 2; ++i) {
    const auto axis = static_cast<int>(i) + 1;
    std::int64_t inside = 0;
    for (std::int64_t out = 0; out < layer.output[axis]; ++out) {
      for (std::int64_t tap = 0; tap < geometry.kernel[i]; ++tap) {
        const std::int64_t at = out * geometry.stride[i] - geometry.padding[i] + tap * geometry.dilation[i];
        inside += at >= 0 && at < layer.image[axis];
      }
    }
    share *= static_cast<double>(inside) / static_cast<double>(layer.output[axis] * geometry.kernel[i]);
  }
  return share;
}

}  // namespace satsuma::tools

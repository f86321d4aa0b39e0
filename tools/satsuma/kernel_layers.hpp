#pragma once

#include <string>
#include <vector>

#include "satsuma/device/plan.hpp"
#include "tools/satsuma/model_settings.hpp"

namespace satsuma::tools {

/// Layers of a model that have one geometry and size, named by the first.
struct KernelLayer {
  std::string layer;
  int count = 1;
  Geometry geometry;
  Shape image;   ///< [C, H, W]
  Shape output;  ///< [K, P, Q]
  bool has_bp = true;

  /// The layer under a method whose operands have `pattern`, dY in WU too where it is sampled.
  LayerPlan plan(MethodText method, Pattern pattern) const;
};

/// The layers that the method prunes under at least one of the patterns. Throws UsageError when there are
/// none.
std::vector<KernelLayer> pruned_layers(const ModelSettings& model, const std::string& method,
                                       const std::vector<Pattern>& patterns);

/// The share of the multiply-adds of a layer whose input lies in the image and not in its padding.
double share_in_image(const KernelLayer& layer);

}  // namespace satsuma::tools

#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "satsuma/device/contraction.hpp"
#include "satsuma/sparse/pattern.hpp"

namespace satsuma::train {

/// Layers by name: shell patterns, any of which has to match, `layer4.*` or `fc|conv1`.
bool matches(std::string_view expression, const std::string& layer);

/// Throws UsageError, with the names that there are, unless `expression` matches one of `layers`. `option` is
/// what the user typed it for: `--nm-for 'layer4.*=1:8'`.
void require_match(std::string_view option, std::string_view expression,
                   std::span<const std::shared_ptr<Contraction>> layers);

/// Another N:M for the layers that match: `layer4.*=1:8`.
struct LayerPattern {
  std::string layers;
  Pattern pattern;

  /// Reads `LAYERS=N:M`. Throws UsageError that says what was typed and what is expected.
  static LayerPattern parse(std::string_view text);
};

}  // namespace satsuma::train

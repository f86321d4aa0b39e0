#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "satsuma/nn/module.hpp"

namespace satsuma::train {

/// How the choice of the kept weights moves: of each layer with packed weights, the share of the kept
/// positions that were not kept when it was looked at before.
class MaskChanges {
 public:
  using Shares = std::vector<std::pair<std::string, double>>;

  explicit MaskChanges(std::vector<std::shared_ptr<Contraction>> layers) : layers_(std::move(layers)) {}

  /// Looks at the present positions of FF, or of BP where that alone is packed. Layers that are seen for the
  /// first time, or under another pattern, are in the result of the next look.
  Shares look();

  /// Positions at the latest look, by layer, for checkpoints.
  const std::map<std::string, Tensor>& positions() const { return positions_; }
  void set_positions(std::map<std::string, Tensor> positions) { positions_ = std::move(positions); }

 private:
  std::vector<std::shared_ptr<Contraction>> layers_;
  std::map<std::string, Tensor> positions_;
};

}  // namespace satsuma::train

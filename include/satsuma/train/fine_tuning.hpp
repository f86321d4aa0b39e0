#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "satsuma/nn/module.hpp"

namespace satsuma::train {

/// True when `expression`, shell patterns divided by `|` (matches()), fits the parameter `name` or one of the
/// modules that it is in: `layer1.0.conv1.weight` is that of `layer1.0.conv1`, `layer1.0` and `layer1`.
bool matches_parameter(std::string_view expression, const std::string& name);

/// Freezes the parameters of `model` that match (nn::Module::freeze()). Throws UsageError, with the nearest
/// name, when one of the patterns matches none of them, and when nothing would be left to train.
void freeze(nn::Module& model, std::string_view expression);

/// Another learning rate for some parameters: `fc=10`.
struct LayerRate {
  std::string layers;  ///< as in matches_parameter()
  double factor = 1;   ///< above 0

  /// Reads `LAYERS=FACTOR`. Throws UsageError that says what was typed and what is expected.
  static LayerRate parse(std::string_view text);
};

/// What the learning rate is multiplied with for each of `parameters`: the factors of all rates that match,
/// and for a vision transformer of B blocks layer_decay^(B + 1) for what is in front of the blocks,
/// layer_decay^(B - i) for block i, layer_decay for `norm` behind them, and 1 for the head (BEiT, arXiv
/// 2106.08254; timm's rule). Throws UsageError, with the nearest name, when a rate matches no parameter, and
/// where layer_decay is not 1 and there are no parameters `blocks.0...`.
std::vector<double> lr_factors(const std::vector<nn::Parameter>& parameters,
                               const std::vector<LayerRate>& rates, double layer_decay);

}  // namespace satsuma::train

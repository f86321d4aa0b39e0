#pragma once

#include <cstdint>
#include <vector>

#include "satsuma/nn/module.hpp"

namespace satsuma::train {

/// Dynamic loss scaling: gradients too small for FP16 are multiplied by a power of two on their way back,
/// which the optimiser never sees (arXiv 1710.03740, section 3.2; the rule and its figures are those of
/// PyTorch's GradScaler). It halves, and the step is skipped, when a gradient is not finite, and doubles
/// after kInterval good steps in a row.
struct LossScale {
  static constexpr std::int64_t kInterval = 2000;

  double value = 65536;
  std::int64_t good_steps = 0;  ///< since the latest change
  std::int64_t skipped = 0;     ///< steps, in all

  bool operator==(const LossScale& other) const = default;

  /// Takes note of a step. Throws NumericError when gradients are not finite at whatever scale.
  void update(bool finite);
};

/// Divides the gradients of `parameters` by `scale`, a power of two; false when one of them is not finite.
bool unscale_gradients(const std::vector<nn::Parameter>& parameters, double scale);

/// Whether a layer of `model` multiplies fp16 operands, so that its loss has to be scaled.
bool multiplies_fp16(const nn::Module& model);

}  // namespace satsuma::train

#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "satsuma/nn/module.hpp"

namespace satsuma::optim {

/// What keeps gradients from growing too large before an optimiser sees them.
struct Clip {
  enum class Kind : std::uint8_t {
    none,
    norm,   ///< all gradients as one vector: its length is at most `limit` (torch.nn.utils.clip_grad_norm_)
    value,  ///< each element is within [-limit, limit] (torch.nn.utils.clip_grad_value_)
    adaptive,  ///< of each output unit: at most `limit` times as long as its weights (AGC, arXiv 2102.06171)
  };

  Kind kind = Kind::none;
  double limit = 0;

  /// Reads `norm:1`, `value:0.5`, `agc:0.01`, or nothing. Throws UsageError.
  static Clip parse(std::string_view text);
};

/// Clips the gradients of `parameters`; those without one are left out. Returns the length of all gradients
/// before, under Kind::norm, else 0.
///   norm:      g <- g * min(1, limit / (|all g| + 1e-6))
///   adaptive:  of a unit, a row along axis 0, or the whole of a vector, g <- g * c / max(|g|, 1e-6) where
///              |g| >= c = limit * max(|w|, 1e-3); as in timm
/// Sums are in double, in an order that does not depend on the number of threads.
double clip_gradients(const std::vector<nn::Parameter>& parameters, const Clip& clip);

/// Multiplies the gradients of `parameters` by `factor`, in tensors of their own.
void scale_gradients(const std::vector<nn::Parameter>& parameters, double factor);

}  // namespace satsuma::optim

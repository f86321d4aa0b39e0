#pragma once

#include <map>
#include <string>

#include "satsuma/nn/module.hpp"

namespace satsuma::exports {

/// The weight [K, C / groups, R, S] that a layer's FF multiplies with: the kept elements in their places and
/// zeros elsewhere where it is pruned, else the dense master itself.
Tensor ff_weight(Contraction& layer);

/// Parameters of pruned layers as ff_weight() has them, in the parameter's shape, by name.
std::map<std::string, Tensor> pruned_weights(const nn::Module& model);

}  // namespace satsuma::exports

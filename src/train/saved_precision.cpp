#include "satsuma/train/saved_precision.hpp"

#include <algorithm>

namespace satsuma::train {

DType saved_precision_of(const nn::Module& model) {
  const auto layers = model.contractions();
  const bool rounds = std::all_of(layers.begin(), layers.end(),
                                  [](const auto& layer) { return layer->plan().operands == DType::bf16; });
  return rounds && !layers.empty() ? DType::bf16 : DType::f32;
}

}  // namespace satsuma::train

#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "satsuma/export/onnx.hpp"

namespace satsuma::exports {

/// A layer whose weight is stored whole, and why.
struct WholeLayer {
  std::string name;
  std::string reason;
};

/// Parameters and buffers as safetensors under torchvision's (or timm's) names: dense masters or, where
/// `pruned`, with the weights that FF multiplies with. The files of this header say the notes in their
/// metadata; docs/export.md has their layouts. Throws IoError.
void write_weights(const std::filesystem::path& path, const nn::Module& model, const ModelNotes& notes,
                   bool pruned);

/// The same with the kept elements alone of each pruned weight: `NAME.values`, f32 [K, R, S, kept], and
/// `NAME.indices`, positions inside their groups of ceil(log2 M) bits each. Throws UsageError where no layer
/// is pruned.
void write_packed(const std::filesystem::path& path, const nn::Module& model, const ModelNotes& notes);

/// Each 2:4 weight as PyTorch's semi-structured tensor (CUTLASS) of [K, R S C]: `NAME.packed`, f16
/// [K, R S C / 2], and `NAME.meta`, 16-bit words [K, R S C / 16] in the order of the tensor cores. Returns
/// the layers that PyTorch has no such form for, and those that are dense; they are stored whole. Throws
/// UsageError where no layer fits, or a weight is beyond f16.
std::vector<WholeLayer> write_semi_structured(const std::filesystem::path& path, const nn::Module& model,
                                              const ModelNotes& notes);

}  // namespace satsuma::exports

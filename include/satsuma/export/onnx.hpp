#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "satsuma/nn/module.hpp"

namespace satsuma::exports {

/// What a file says of a model beside its weights.
struct ModelNotes {
  std::string name;               ///< `resnet18`
  Shape input;                    ///< [C, H, W]
  std::vector<double> mean = {};  ///< of each channel, or one for all; empty where nobody knows it
  std::vector<double> std = {};   ///< alike
  std::int64_t pad = 0;           ///< black pixels on each side that are part of the input
  std::vector<std::string> class_names = {};     ///< in the order of the logits, or none
  std::map<std::string, std::string> more = {};  ///< any other, by key
};

/// Writes `model` in evaluation mode as ONNX, opset 17: one input `input` [batch, C, H, W] and one output
/// `logits` [batch, classes], f32, for any batch. Nodes are made of the model's trace; initialisers are named
/// as parameters and buffers. Pruned weights are those that FF multiplies with (ff_weight()); batch
/// normalisation stays a node. Products are f32 whatever the layers' precision is. How pixels become the
/// input is said in the documentation of the input and in metadata_props (`input`, `mean`, `std`,
/// `class_names` as JSON).
///
/// Throws UsageError, naming op and layer, where an op has no ONNX form, where the model is too large for a
/// protobuf message (2 GiB), and where this build has no protobuf; IoError when the file cannot be written.
void write_onnx(const std::filesystem::path& path, nn::Module& model, const ModelNotes& notes);

}  // namespace satsuma::exports

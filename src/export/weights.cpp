#include "satsuma/export/weights.hpp"

#include <fmt/core.h>

#include <bit>

#include "satsuma/core/error.hpp"
#include "satsuma/export/ff_weight.hpp"
#include "satsuma/sparse/packed.hpp"
#include "satsuma/train/safetensors.hpp"
#include "src/core/json.hpp"
#include "src/export/notes.hpp"

namespace satsuma::exports {

namespace {

using train::StoredTensor;

/// The numbers one behind the other, each in `bits` bits, the lowest first, in bytes that are filled from
/// their lowest bit.
Tensor in_bits(const Tensor& numbers, int bits) {
  const std::vector<std::uint8_t> values = numbers.to_vector<std::uint8_t>();
  std::vector<std::uint8_t> bytes((values.size() * static_cast<std::size_t>(bits) + 7) / 8);
  std::size_t at = 0;
  for (const std::uint8_t value : values) {
    for (int bit = 0; bit < bits; ++bit, ++at) {
      if ((value >> bit & 1) != 0) bytes[at / 8] = static_cast<std::uint8_t>(bytes[at / 8] | 1u << at % 8);
    }
  }
  return Tensor::from(bytes, {static_cast<std::int64_t>(bytes.size())});
}

std::vector<std::int64_t> extents(const Shape& shape) {
  return {shape.begin(), shape.end()};
}

}  // namespace

void write_weights(const std::filesystem::path& path, const nn::Module& model, const ModelNotes& notes,
                   bool pruned) {
  const std::map<std::string, Tensor> weights =
      pruned ? pruned_weights(model) : std::map<std::string, Tensor>();
  std::vector<StoredTensor> tensors;
  for (const nn::NamedTensor& tensor : model.state()) {
    const auto found = weights.find(tensor.name);
    tensors.push_back({tensor.name, found == weights.end() ? tensor.value : found->second});
  }
  auto metadata = metadata_of(notes);
  metadata["weights"] = pruned ? "pruned" : "dense masters";
  train::write_stored(path, tensors, metadata);
}

void write_packed(const std::filesystem::path& path, const nn::Module& model, const ModelNotes& notes) {
  std::map<std::string, nn::Parameter> pruned;
  for (const nn::Parameter& parameter : model.parameters()) {
    if (parameter.contraction && parameter.contraction->plan()[Pass::ff].weight.skips())
      pruned.emplace(parameter.name, parameter);
  }
  if (pruned.empty()) {
    throw UsageError("--packed: no layer of the model is pruned; leave it out, or give --method and --nm");
  }
  std::vector<StoredTensor> tensors;
  Json table = Json::object();
  for (const nn::NamedTensor& tensor : model.state()) {
    const auto found = pruned.find(tensor.name);
    if (found == pruned.end()) {
      tensors.push_back({tensor.name, tensor.value});
      continue;
    }
    const PackedWeight& packed = found->second.contraction->packed(Pass::ff);
    const int bits = std::bit_width(static_cast<unsigned>(packed.pattern.m - 1));
    table[tensor.name] = {{"shape", extents(tensor.value.shape())},
                          {"nm", to_string(packed.pattern)},
                          {"index_shape", extents(packed.index_shape())},
                          {"index_bits", bits}};
    tensors.push_back({tensor.name + ".values", packed.values});
    tensors.push_back({tensor.name + ".indices", in_bits(packed.indices, bits)});
  }
  auto metadata = metadata_of(notes);
  metadata["weights"] = "packed";
  metadata["packed"] = json_text(table);
  train::write_stored(path, tensors, metadata);
}

}  // namespace satsuma::exports

#include <fmt/core.h>

#include <cmath>
#include <span>

#include "satsuma/core/error.hpp"
#include "satsuma/export/ff_weight.hpp"
#include "satsuma/export/weights.hpp"
#include "satsuma/sparse/packed.hpp"
#include "satsuma/train/safetensors.hpp"
#include "src/core/json.hpp"
#include "src/export/notes.hpp"

namespace satsuma::exports {

namespace {

using train::StoredTensor;

// What PyTorch asks of a 16-bit weight (torch/sparse/semi_structured.py).
constexpr std::int64_t kRows = 32;
constexpr std::int64_t kColumns = 64;
/// Elements of a row that a word of the metadata describes: four groups of four, two positions of two bits
/// each.
constexpr std::int64_t kWord = 16;

/// Why a layer has no such form; empty where it has.
std::string reason_against(const Contraction& layer) {
  const OperandPlan& plan = layer.plan()[Pass::ff].weight;
  if (!plan.skips()) return "dense: " + layer.plan()[Pass::ff].reason;
  if (plan.pattern.n != 2 || plan.pattern.m != 4)
    return fmt::format("{} is not 2:4", to_string(plan.pattern));
  const Shape& shape = layer.weight().shape();
  const std::int64_t columns = shape[1] * shape[2] * shape[3];
  if (shape[1] % 4 != 0 || shape[0] % kRows != 0 || columns % kColumns != 0) {
    return fmt::format("{} x {}, expected multiples of {} x {}", shape[0], columns, kRows, kColumns);
  }
  return {};
}

/// Where the word of (row, column) lies: the order that sparse tensor cores read, of CUTLASS's
/// host_reorder.h (ColumnMajorInterleaved<2>), as torch/sparse/_semi_structured_conversions.py has it.
std::int64_t word_offset(std::int64_t rows, std::int64_t row, std::int64_t column) {
  constexpr std::int64_t kGroup = 32;
  row = row / kGroup * kGroup + row % 8 * 4 + row % kGroup / 8;
  // Of blocks of 2 x 2 the two off the diagonal change places.
  if (row % 2 == 0 && column % 2 == 1) {
    ++row;
    --column;
  } else if (row % 2 == 1 && column % 2 == 0) {
    --row;
    ++column;
  }
  return column / 2 * rows * 2 + row * 2 + column % 2;
}

/// The positions [K, R, S, C / 2] as words [K, R S C / 16], in bytes.
Tensor words_of(const Tensor& indices, std::int64_t rows) {
  const std::vector<std::uint8_t> positions = indices.to_vector<std::uint8_t>();
  const std::int64_t columns = static_cast<std::int64_t>(positions.size()) * 2 / rows / kWord;
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(rows * columns * 2));
  const std::uint8_t* next = positions.data();
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t column = 0; column < columns; ++column) {
      unsigned word = 0;
      for (int shift = 0; shift < 16; shift += 2) word |= static_cast<unsigned>(*next++) << shift;
      const auto at = static_cast<std::size_t>(2 * word_offset(rows, row, column));
      bytes[at] = static_cast<std::uint8_t>(word & 0xFF);
      bytes[at + 1] = static_cast<std::uint8_t>(word >> 8);
    }
  }
  return Tensor::from(bytes, {static_cast<std::int64_t>(bytes.size())});
}

Tensor in_f16(const std::string& name, const Tensor& values, const Shape& shape) {
  Tensor half = values.to(MemoryFormat::row_major).reshape_view(shape).to(DType::f16);
  for (const float value : half.to_vector<float>()) {
    if (std::isfinite(value)) continue;
    throw UsageError(
        fmt::format("--format 2:4: '{}' has weights beyond the range of f16, in which PyTorch's "
                    "layout holds them; export it with --packed instead",
                    name));
  }
  return half;
}

}  // namespace

std::vector<WholeLayer> write_semi_structured(const std::filesystem::path& path, const nn::Module& model,
                                              const ModelNotes& notes) {
  std::map<std::string, std::shared_ptr<Contraction>> layers;
  for (const nn::Parameter& parameter : model.parameters()) {
    if (parameter.contraction) layers.emplace(parameter.name, parameter.contraction);
  }
  std::vector<WholeLayer> whole;
  std::vector<StoredTensor> tensors;
  Json table = Json::object();
  for (const nn::NamedTensor& tensor : model.state()) {
    const auto found = layers.find(tensor.name);
    std::string reason = found == layers.end() ? "" : reason_against(*found->second);
    if (found == layers.end() || !reason.empty()) {
      Tensor value = tensor.value;
      if (found != layers.end()) {
        value = ff_weight(*found->second).to(MemoryFormat::row_major).reshape_view(tensor.value.shape());
        whole.push_back({found->second->name(), std::move(reason)});
      }
      tensors.push_back({tensor.name, value});
      continue;
    }
    const PackedWeight& packed = found->second->packed(Pass::ff);
    const std::int64_t rows = packed.rows();
    const std::int64_t kept = packed.shape().numel() / rows;
    tensors.push_back({tensor.name + ".packed", in_f16(tensor.name, packed.values, {rows, kept})});
    tensors.push_back({tensor.name + ".meta", words_of(row_indices(packed), rows), "I16", {rows, kept / 8}});
    const Shape& shape = tensor.value.shape();
    table[tensor.name] = {{"shape", std::vector<std::int64_t>(shape.begin(), shape.end())}};
  }
  if (table.empty()) {
    throw UsageError(fmt::format(
        "--format 2:4: no layer has a weight of 2:4 that PyTorch has a form for{}",
        whole.empty() ? std::string() : fmt::format(" ('{}': {})", whole.back().name, whole.back().reason)));
  }
  auto metadata = metadata_of(notes);
  metadata["weights"] = "2:4";
  metadata["semi_structured"] = json_text(table);
  train::write_stored(path, tensors, metadata);
  return whole;
}

}  // namespace satsuma::exports

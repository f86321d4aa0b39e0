#include "src/train/mask_changes.hpp"

#include <algorithm>
#include <optional>

#include "satsuma/sparse/transposable.hpp"

namespace satsuma::train {

namespace {

/// The positions of a layer, and how they are grouped. The contraction's own packed weights stay as its
/// device has left them.
std::optional<PackedWeight> positions_of(const Contraction& layer) {
  for (const Pass pass : {Pass::ff, Pass::bp}) {
    const OperandPlan& weight = layer.plan()[pass].weight;
    if (weight.kind != OperandKind::packed) continue;
    const Contraction::Masks held = layer.masks();
    const Tensor& indices = pass == Pass::ff ? held.ff : held.bp;
    if (!indices.defined() && layer.plan().transposable)
      return compress_transposable(layer.weight(), weight.pattern).ff;
    if (!indices.defined()) return layer.device(pass).compress(layer.weight(), weight.axis, weight.pattern);
    PackedWeight packed;
    packed.pattern = weight.pattern;
    packed.axis = weight.axis;
    packed.dense_shape = layer.weight().shape();
    packed.indices = indices;
    return packed;
  }
  return std::nullopt;
}

/// Share of the positions in `now` whose group did not have them in `before`; both are [.., kept].
double share_of_new(const PackedWeight& now, const Tensor& before) {
  const auto fresh = now.indices.to_vector<std::uint8_t>();
  const auto old = before.to_vector<std::uint8_t>();
  const auto kept = static_cast<std::size_t>(now.kept());
  const auto group = static_cast<std::size_t>(now.pattern.n);
  std::size_t changed = 0;
  for (std::size_t row = 0; row < fresh.size(); row += kept) {
    for (std::size_t begin = row; begin < row + kept; begin += group) {
      const std::size_t end = std::min(begin + group, row + kept);
      const auto from = old.begin() + static_cast<std::ptrdiff_t>(begin);
      const auto to = old.begin() + static_cast<std::ptrdiff_t>(end);
      for (std::size_t i = begin; i < end; ++i) changed += std::find(from, to, fresh[i]) == to ? 1 : 0;
    }
  }
  return fresh.empty() ? 0 : static_cast<double>(changed) / static_cast<double>(fresh.size());
}

}  // namespace

MaskChanges::Shares MaskChanges::look() {
  Shares shares;
  std::map<std::string, Tensor> seen;
  for (const auto& layer : layers_) {
    const std::optional<PackedWeight> now = positions_of(*layer);
    if (!now) continue;
    const auto before = positions_.find(layer->name());
    if (before != positions_.end() && before->second.shape() == now->indices.shape())
      shares.emplace_back(layer->name(), share_of_new(*now, before->second));
    seen.emplace(layer->name(), now->indices);
  }
  positions_ = std::move(seen);
  return shares;
}

}  // namespace satsuma::train

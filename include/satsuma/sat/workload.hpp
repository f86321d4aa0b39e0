#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "satsuma/device/plan.hpp"

namespace satsuma::sat {

/// One convolution or linear layer of a model, as it is planned, and the images that go through it.
struct Layer {
  LayerPlan plan = {};
  Pair input = {1, 1};  ///< H, W
  std::int64_t batch = 1;

  /// P, Q. Throws ShapeError when the input does not fit.
  Pair output() const;
  bool runs(Pass pass) const { return plan[pass].run; }
  /// Pattern of the operand of a pass that is N:M along its reduction; 1:1 where there is none.
  Pattern pattern(Pass pass) const;
  /// Pattern of a weight that comes packed into a pass, or is pruned on the way there; 1:1 of any other.
  Pattern packed_weight(Pass pass) const;
  /// Multiply-adds of a pass over the batch, as `satsuma info` counts them; 0 for a pass that is not run.
  std::int64_t macs(Pass pass) const;
  /// The same with dense operands.
  std::int64_t dense_macs(Pass pass) const;
};

/// What one training step computes, layers in forward order.
struct Workload {
  std::string name;
  std::vector<Layer> layers;

  /// Images of a step: the batch of the first layer.
  std::int64_t batch() const { return layers.empty() ? 0 : layers.front().batch; }
};

/// Throws ShapeError or UsageError, naming the layer, unless all extents are at least 1, the input fits, and
/// a pass has at most 2^53 multiply-adds.
void check(const Layer& layer);
void check(const Workload& workload);

/// A plain product of `m` output channels, `k` reduction and `n` pixels, forward only.
Layer gemm_layer(std::string name, std::int64_t m, std::int64_t k, std::int64_t n);

/// Plans every layer anew (planned()).
void apply(Workload& workload, const Sparsity& sparsity);

/// Layers from a SCALE-Sim topology file, forward only, batch 1. Both formats, told apart by the header:
///   convolution: name, IFMAP height, IFMAP width, filter height, filter width, channels, filters, strides
///   product:     name, M (rows, pixels), N (columns, output channels), K (reduction)
/// Either may have a last column N:M, the sparsity of the filters. SCALE-Sim pads nothing and rounds the
/// number of outputs up, and so does this. Throws IoError, and FormatError naming file, line and column.
Workload read_topology(const std::filesystem::path& path);
Workload parse_topology(std::string_view text, std::string_view source);

/// All that the cycles of a layer depend on, as a line of text.
std::string work_of(const Layer& layer);
/// Eight hexadecimal digits that differ between workloads (used to tie schedules to one).
std::string fingerprint(const Workload& workload);

}  // namespace satsuma::sat

#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "satsuma/device/geometry.hpp"
#include "satsuma/device/pass.hpp"
#include "satsuma/sparse/method.hpp"
#include "satsuma/sparse/pattern.hpp"

namespace satsuma::sat {

/// N:M of the operands of a layer's passes; 1:1 is dense. At most one operand of BP is N:M.
struct PassPatterns {
  Pattern ff_weight;    ///< W_ff, along input channels
  Pattern bp_weight;    ///< W_bp, along output channels
  Pattern bp_gradient;  ///< dY in BP, along output channels, pruned on the fly

  bool operator==(const PassPatterns& other) const = default;
};

/// One convolution or linear layer of a model and the images that go through it.
struct Layer {
  std::string name;
  Geometry geometry = {};
  Pair input = {1, 1};  ///< H, W
  std::int64_t batch = 1;
  PassPatterns patterns = {};
  bool has_bp = true;      ///< false where nobody needs dX: the input is the image
  bool prunable = true;    ///< false where the model keeps the layer dense (the first convolution)
  bool has_update = true;  ///< false where only FF is asked for (inference, a plain product): no BP, no WU

  /// P, Q. Throws ShapeError when the input does not fit.
  Pair output() const;
  bool runs(Pass pass) const;
  /// Pattern of the N:M operand of a pass, of the weight or of dY; dense in WU.
  Pattern pattern(Pass pass) const;
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

/// The pruning methods that can be simulated, by the operands that they prune: `dense`, `sr-ste`, `sdgp`,
/// `sdwp`, `bdwp` (method.md's table; arXiv 2309.13015, table 1). satsuma::methods() are those that can
/// train.
std::span<const Method> simulated_methods();
/// Throws UsageError with the known names and the nearest one.
const Method& find_simulated_method(std::string_view name);

/// Sets the patterns of every layer as `method` prunes it. Left dense, as in training: layers that are not
/// prunable, several groups of channels, and a pass whose reduction has fewer than M channels.
void apply_method(Workload& workload, const Method& method, Pattern pattern);

/// Layers from a SCALE-Sim topology file, forward only, batch 1. Both formats, told apart by the header:
///   convolution: name, IFMAP height, IFMAP width, filter height, filter width, channels, filters, strides
///   product:     name, M (rows, pixels), N (columns, output channels), K (reduction)
/// Either may have a last column N:M, the sparsity of the filters. SCALE-Sim pads nothing and rounds the
/// number of outputs up, and so does this. Throws IoError, and FormatError naming file, line and column.
Workload read_topology(const std::filesystem::path& path);
Workload parse_topology(std::string_view text, std::string_view source);

/// Sixteen hexadecimal digits that differ between workloads (used to tie schedules to one).
std::string fingerprint(const Workload& workload);

}  // namespace satsuma::sat

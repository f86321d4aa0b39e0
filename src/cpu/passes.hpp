#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "satsuma/core/tensor.hpp"
#include "satsuma/device/device.hpp"
#include "src/cpu/kernels/amx.hpp"

namespace satsuma::cpu {

/// What a caller may fix of the order in which an output's products are added: block by block of the channels
/// that are reduced over, in a block by kernel row, then column, then channel, all rising. Each output is one
/// sum in f32, whatever the tiles, threads and instruction set.
struct SumOrder {
  std::int64_t channel_block = 0;  ///< whole groups of a packed weight; 0 is what fits the cache best
  /// Taps on padding are left out. Otherwise they may be added as products with zero: the same bits but for
  /// weights that are not finite, and for a sum of nothing but negative zeros, from its bias on.
  bool skip_padding = false;
};

/// Forward and backward-data passes on batch-blocked f32 activations, dense or N:M; shapes as in Device.
/// Tiles multiply f32 operands, pairs those of bf16, rounded on the way, and need bf16_kernels().
void forward_tiles(const LayerPlan& plan, const Tensor& x, const WeightOperand& w, const Tensor& bias,
                   Tensor& y, const SumOrder& order);
void forward_pairs(const LayerPlan& plan, const Tensor& x, const WeightOperand& w, const Tensor& bias,
                   Tensor& y);
void backward_data_tiles(const LayerPlan& plan, const Tensor& dy, const WeightOperand& w, Tensor& dx,
                         const SumOrder& order);
void backward_data_pairs(const LayerPlan& plan, const Tensor& dy, const WeightOperand& w, Tensor& dx);
/// The same of bf16 operands by `kernels`, which multiply the zeros of N:M weights as well.
void forward_amx(const LayerPlan& plan, const Tensor& x, const WeightOperand& w, const Tensor& bias,
                 Tensor& y, const AmxKernels& kernels);
void backward_data_amx(const LayerPlan& plan, const Tensor& dy, const WeightOperand& w, Tensor& dx,
                       const AmxKernels& kernels);

/// Whether amx_kernels() multiply in the passes of a layer with batch-blocked activations and N:M weights of
/// a pattern, or dense ones without it: where they pay, and where the layer has channels to fill a good part
/// of a tile.
bool multiplies_by_amx(const LayerPlan& plan, const std::optional<Pattern>& nm);

/// Multiply-adds, as if dense, of each share into which the pass over a batch-blocked x [N, C, H, W] is cut
/// for `threads` threads, with N:M weights of a pattern, or dense ones without it. Products with
/// padding that kernels do count. Small passes have fewer shares than there are threads.
std::vector<std::int64_t> forward_shares(const LayerPlan& plan, const Shape& x,
                                         const std::optional<Pattern>& nm, std::int64_t threads);
std::vector<std::int64_t> backward_data_shares(const LayerPlan& plan, const Shape& x,
                                               const std::optional<Pattern>& nm, std::int64_t threads);

}  // namespace satsuma::cpu

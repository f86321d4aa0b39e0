#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "satsuma/core/dtype.hpp"
#include "satsuma/device/geometry.hpp"
#include "satsuma/device/pass.hpp"
#include "satsuma/sparse/method.hpp"
#include "satsuma/sparse/operand.hpp"

namespace satsuma {

/// What one pass multiplies: FF  Y = X * W,  BP  dX = dY * W^T,  WU  dW = X^T * dY.
struct PassPlan {
  OperandPlan weight = {};    ///< of FF and BP
  OperandPlan gradient = {};  ///< dY, of BP and WU
  /// False where nobody needs the result; such a pass is counted nowhere.
  bool run = true;
  /// Why the pass skips nothing, or is not run; empty where it skips.
  std::string reason = {};

  bool operator==(const PassPlan& other) const = default;
  /// The operand that is N:M along the reduction: the weight, dY, or a dense one.
  const OperandPlan& skipping() const { return gradient.skips() ? gradient : weight; }
  bool skips() const { return skipping().skips(); }
};

/// What a convolution or linear layer is and how each of its passes is computed. It is decided once, by
/// planned(); devices, the model of the accelerator, counters and reports read it.
struct LayerPlan {
  LayerPlan() = default;
  /// A dense layer. `operands` as below.
  LayerPlan(const Geometry& geometry, DType operands = DType::f32,  // NOLINT: a geometry alone is common
            std::string name = {})
      : name(std::move(name)), geometry(geometry), operands(operands) {}

  // What the layer is, whatever the method.
  std::string name = {};
  Geometry geometry = {};
  DType dtype = DType::f32;  ///< of tensors
  /// bf16, f16: both operands of every product are rounded to it (nearest even) and products are summed in
  /// f32; tensors stay f32. What is kept of a dY is chosen before. Under f16 the bias gradient sums the
  /// rounded dY, too. Otherwise operands are taken as they are.
  DType operands = DType::f32;
  std::string keep_dense = {};  ///< why no operand is pruned; empty where they may be
  bool reads_data = false;      ///< the input is the image: nobody needs dX, so that BP is not run
  bool forward_only = false;    ///< inference: neither BP nor WU

  // What was decided.
  std::array<PassPlan, 3> passes = {};  ///< indexed by Pass
  bool transposable = false;            ///< the packed weights of FF and BP keep the same elements

  PassPlan& operator[](Pass pass) { return passes[static_cast<std::size_t>(pass)]; }
  const PassPlan& operator[](Pass pass) const { return passes[static_cast<std::size_t>(pass)]; }

  /// True when FF, BP or WU has an operand that is not dense.
  bool sparse() const;
  /// Why no operand is pruned; empty when sparse().
  std::string dense_reason() const;
};

/// What is asked of a layer.
struct Sparsity {
  const Method* method = nullptr;  ///< null is dense
  Pattern pattern = {};            ///< of the operands that the method prunes
  Pattern wu = {};                 ///< of dY in WU, sampled; 1:1 leaves it dense
  /// masked or packed instead of what the method has in BP, where it lets choose.
  std::optional<OperandKind> bp_weight = {};
  int ff_bits = 0;  ///< of the values of FF's weight, OperandPlan::bits; 0: as they are
};

/// `layer` with its passes decided. Dense stay: a layer that is kept dense or has several groups of channels,
/// a pass that the method leaves alone, and one whose reduction is over fewer than M channels; a masked
/// weight is dense where W_ff is. Throws UsageError for an invalid pattern, and for a choice of BP's weight
/// that the method does not give, and for positions shared by rows of a pruned dY or of a transposable
/// weight. A transposable weight has whole blocks of M x M channels, or stays dense. `asked_dense` is why the
/// user wants the layer dense; empty where he does not.
LayerPlan planned(LayerPlan layer, const Sparsity& sparsity, std::string_view asked_dense = {});

/// Multiply-adds of a pass over a batch of `images` whose output has `out_height` x `out_width` pixels (P Q);
/// 0 for a pass that is not run. Short groups count what they keep. For one group of channels, N images:
///   FF  N K R S kept(C) P Q        BP  N C R S kept(K) P Q        WU  kept(N) K R S C P Q
/// with kept(N) the sum over blocks of sixteen images. A tap that falls on padding counts as an operation.
std::int64_t pass_macs(const LayerPlan& plan, Pass pass, std::int64_t images, std::int64_t out_height,
                       std::int64_t out_width);
/// The same with dense operands.
std::int64_t dense_pass_macs(const LayerPlan& plan, Pass pass, std::int64_t images, std::int64_t out_height,
                             std::int64_t out_width);

/// Images that sampling along images keeps of a batch: group by group in blocks of sixteen.
std::int64_t kept_images(Pattern pattern, std::int64_t images);
/// Groups of that.
std::int64_t image_groups(Pattern pattern, std::int64_t images);

}  // namespace satsuma

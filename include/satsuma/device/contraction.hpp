#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "satsuma/device/device.hpp"
#include "satsuma/sparse/method.hpp"

namespace satsuma {

struct Fallback;

/// How the passes of a layer are to be run.
struct ContractionPlan {
  const Method* method = nullptr;       ///< null is dense
  Pattern pattern = {};                 ///< of all pruned operands
  double decay = 0;                     ///< SR-STE term in update()
  std::shared_ptr<Device> device = {};  ///< null is `cpu`
  std::optional<DType> operands = {};   ///< see PassSpec; empty is Device::default_operands()
  bool strict = false;                  ///< a refusal is an error instead of a fallback
};

/// The seam: the three products of one convolution or linear layer, with its weight. It knows which operand
/// is pruned in which pass (the method) and who runs it (the device); tensors, autograd and layers know
/// neither.
///
/// A pass that the device refuses falls back to `cpu`, then to `reference`; that is counted, logged when the
/// pass first runs, and is an error under ContractionPlan::strict.
class Contraction {
 public:
  /// `weight` is [K, C / groups, R, S]; the contraction keeps it channels-last, dense on the default device
  /// until configure(). Throws ShapeError when shape and geometry do not fit.
  Contraction(std::string name, Geometry geometry, Tensor weight);

  /// Decides what is sparse and where each pass runs. An axis shorter than M is not pruned, and the pass that
  /// reduces over it stays dense; so does a layer with several groups of channels. Throws DeviceError under
  /// `strict` when the device refuses a pass, UsageError for an invalid pattern.
  void configure(const ContractionPlan& plan);
  /// Keeps this layer dense whatever the method, for `reason` (the first convolution).
  void keep_dense(std::string reason);
  bool kept_dense() const { return !forced_dense_.empty(); }

  const std::string& name() const { return name_; }
  void set_name(std::string name) { name_ = std::move(name); }
  const Geometry& geometry() const { return geometry_; }
  const Tensor& weight() const { return weight_; }
  /// True when any pass has a pruned operand.
  bool sparse() const;
  /// Why the layer is dense; empty when it is sparse.
  const std::string& dense_reason() const { return dense_reason_; }
  /// Why a pass multiplies with the dense weight; empty when its weight is pruned.
  std::string dense_reason(Pass pass) const;
  /// What its products are made of; see PassSpec.
  DType operands() const { return operands_; }
  /// N:M of the weight in a pass (dense in WU, and where the method leaves it).
  Pattern pattern(Pass pass) const;
  /// Multiply-adds of a pass over one image, as the method executes them.
  std::int64_t macs(Pass pass, std::int64_t out_height, std::int64_t out_width) const;
  /// The device that runs a pass, after fallback.
  Device& device(Pass pass) const { return *devices_[static_cast<std::size_t>(pass)]; }
  /// Passes that the device asked for has refused.
  std::int64_t fallbacks() const;
  /// Why a pass does not run on the device asked for, and where it runs; empty where it does.
  std::string fallback(Pass pass) const;

  /// The three passes; see Device. `x` and `dy` may have any layout. `constant`: the weight is not about to
  /// change (evaluation), so that what the device makes of it is worth keeping.
  Tensor forward(const Tensor& x, const Tensor& bias, bool constant = false);
  Tensor backward_data(const Tensor& dy, const Shape& input);
  struct WeightGradient {
    Tensor weight;
    Tensor bias;  ///< undefined unless asked for
  };
  WeightGradient backward_weights(const Tensor& x, const Tensor& dy, bool with_bias);

  /// Shapes [N, C, H, W] and [N, K, P, Q] of the latest forward's input and output; rank 0 before the first.
  const Shape& last_input() const { return last_input_; }
  const Shape& last_output() const { return last_output_; }

  /// Optimiser step on the weight, which pre-generates the packed weights of the next step. Runs on the
  /// device of FF. `grad` and `velocity` may be [K, C] for a linear layer. The SR-STE term is `step.decay`,
  /// or the plan's where that is 0.
  void update(const Tensor& grad, const Tensor& velocity, SgdStep step);
  /// To be called after the weight's elements were written by anybody else: the packed weights are stale.
  void weight_changed();

  /// Packed weights of a pass, made now if stale. Throws Error when the pass is dense.
  const PackedWeight& packed(Pass pass);

  /// Of many layers: what falls back for one and the same reason is logged in one line.
  static void group_fallbacks(std::span<const std::shared_ptr<Contraction>> layers);

 private:
  void place(Pass pass);
  PassRequest request(Pass pass) const;
  PassSpec spec() const { return {geometry_, operands_, name_}; }
  WeightOperand operand(Pass pass, bool constant);
  /// packed() as its device has left it, perhaps without values.
  PackedWeight& pre_generated(Pass pass);
  /// The device of a pass, about to be used: its fallback is logged.
  Device& run_on(Pass pass);

  std::string name_;
  Geometry geometry_;
  Tensor weight_;
  ContractionPlan plan_;
  DType operands_ = DType::f32;
  std::string forced_dense_;
  std::string dense_reason_;
  std::array<std::string, 3> pass_reasons_;             ///< dense_reason(Pass)
  std::array<std::shared_ptr<Fallback>, 3> fallbacks_;  ///< null where the device asked for runs the pass
  std::array<std::shared_ptr<Device>, 3> devices_;
  PackedWeight packed_ff_;
  PackedWeight packed_bp_;
  std::shared_ptr<DeviceForm> dense_form_;  ///< of FF, while the weight is constant
  Shape last_input_;
  Shape last_output_;
};

}  // namespace satsuma

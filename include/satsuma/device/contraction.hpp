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
struct ContractionSettings {
  Sparsity sparsity = {};
  double sr_ste = 0;                    ///< lambda of the SR-STE term in update()
  std::shared_ptr<Device> device = {};  ///< null is `cpu`
  std::optional<DType> operands = {};   ///< see LayerPlan; empty is Device::default_operands()
  std::uint64_t seed = 0;               ///< of the choices of a sampled dY
  /// Steps from one choice of the kept weights to the next; between them their positions are held. Above 1
  /// without the SR-STE term, whose mask is chosen in every step, by magnitude along input channels.
  std::int64_t refresh_masks = 1;
  bool strict = false;  ///< a refusal is an error instead of a fallback
};

/// The seam: the three products of one convolution or linear layer, with its weight. It holds what was
/// decided (the plan), who runs each pass (the device), and the packed forms of the weight; tensors, autograd
/// and layers know nothing of these.
///
/// A pass that the device refuses falls back to `cpu`, then to `reference`; that is counted, logged when the
/// pass first runs, and is an error under ContractionSettings::strict.
class Contraction {
 public:
  /// `weight` is [K, C / groups, R, S]; the contraction keeps it channels-last, dense on the default device
  /// until configure(). `op` is what errors call it: `linear` for the weight of a linear layer. Throws
  /// ShapeError when shape and geometry do not fit.
  Contraction(std::string name, Geometry geometry, Tensor weight, const char* op = "conv2d");

  /// Plans the passes (planned()) and finds who runs each. Throws DeviceError under `strict` when the device
  /// refuses a pass, UsageError for an invalid pattern. `asked_dense` as in planned().
  void configure(const ContractionSettings& settings, std::string_view asked_dense = {});
  /// Keeps this layer dense whatever the method, for `reason`.
  void keep_dense(std::string reason);
  /// Says that the input is the image, so that BP is never run (LayerPlan::reads_data).
  void read_data();

  const LayerPlan& plan() const { return plan_; }
  const std::string& name() const { return plan_.name; }
  /// Done by nn::Module when the layer gets its place in a model: `layer1.0.conv1`.
  void set_name(std::string name) { plan_.name = std::move(name); }
  const Geometry& geometry() const { return plan_.geometry; }
  const Tensor& weight() const { return weight_; }
  /// The device that runs a pass, after fallback.
  Device& device(Pass pass) const { return *devices_[static_cast<std::size_t>(pass)]; }
  /// Passes that the device asked for has refused.
  std::int64_t fallbacks() const;
  /// Why a pass does not run on the device asked for, and where it runs; empty where it does.
  std::string fallback(Pass pass) const;

  /// The training step that follows: a sampled dY is drawn for it, and held positions may be chosen anew.
  void begin_step(std::int64_t step);
  /// Another part of the same step, whose dY is drawn anew: what is drawn follows from `draw`, for which
  /// begin_step() takes the step.
  void begin_part(std::int64_t draw) { draw_ = draw; }

  /// Positions that are held (ContractionSettings::refresh_masks), PackedWeight::indices of FF and of BP;
  /// undefined where none are.
  struct Masks {
    Tensor ff;
    Tensor bp;
  };
  Masks masks() const;
  /// Goes on with positions that masks() gave. Throws FormatError when they are none of this layer's.
  void hold(const Masks& masks);

  /// The three passes; see Device. `x` and `dy` may have any layout. Under NoStorage the output of forward()
  /// has no elements and no device is asked. `constant`: the weight is not about to
  /// change (evaluation), so that what the device makes of it is worth keeping.
  Tensor forward(const Tensor& x, const Tensor& bias, bool constant = false);
  Tensor backward_data(const Tensor& dy, const Shape& input);
  struct WeightGradient {
    Tensor weight;
    Tensor bias;  ///< undefined unless asked for
  };
  WeightGradient backward_weights(const Tensor& x, const Tensor& dy, bool with_bias);

  /// Optimiser step on the weight, which pre-generates the packed weights of the next step. Runs on the
  /// device of FF. `grad` and `states`, as many as the rule's, may be [K, C] for a linear layer. Where FF is
  /// pruned the gradient gets the SR-STE term of the settings.
  void update(const Tensor& grad, std::span<const Tensor> states, const UpdateRule& rule, double lr);

  /// Packed weights of a pass, made anew when the weight has changed since (Tensor::version()). Throws Error
  /// unless the pass multiplies with a packed weight.
  const PackedWeight& packed(Pass pass);

  /// Of many layers: what falls back for one and the same reason is logged in one line.
  static void group_fallbacks(std::span<const std::shared_ptr<Contraction>> layers);

 private:
  void place(Pass pass);
  WeightOperand operand(Pass pass, bool constant);
  /// packed() as its device has left it, perhaps without values.
  PackedWeight& pre_generated(Pass pass);
  bool holds() const { return settings_.refresh_masks > 1; }
  PackedWeight positions_of(Pass pass, const Tensor& indices) const;
  /// Whether a device makes the next step's packed weights while it updates the weight.
  bool pre_generates() const { return !holds() && !plan_.transposable; }
  /// Packs FF and BP by the one mask of the weight as it is.
  void choose_transposable();
  /// W of FF with rounded values (OperandPlan::bits).
  WeightOperand quantised();
  /// The dense weight with zeros where W_ff keeps nothing.
  const Tensor& masked();
  /// The device of a pass, about to be used: its fallback is logged.
  Device& run_on(Pass pass);

  /// What was made of the weight when its version was this.
  template <typename T>
  struct Made {
    T of = {};
    std::uint64_t version = 0;
  };

  LayerPlan plan_;
  const char* op_;  ///< a literal
  Tensor weight_;
  ContractionSettings settings_;
  std::int64_t draw_ = 0;                               ///< what a sampled dY is drawn by
  std::array<std::shared_ptr<Fallback>, 3> fallbacks_;  ///< null where the device asked for runs the pass
  std::array<std::shared_ptr<Device>, 3> devices_;
  Made<PackedWeight> packed_ff_;
  Made<PackedWeight> packed_bp_;
  Made<Tensor> masked_;
  Made<PackedWeight> quantised_packed_;
  Made<Tensor> quantised_dense_;
  Made<std::shared_ptr<DeviceForm>> dense_form_;  ///< of FF, while the weight is constant
};

}  // namespace satsuma

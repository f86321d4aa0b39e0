#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/core/parallel.hpp"
#include "satsuma/device/registry.hpp"

namespace satsuma::testing {

/// What a device may get wrong without anybody seeing it in a loss curve.
enum class Fault {
  none,
  one_output,        ///< one element of Y is a little off
  one_gradient,      ///< one element of dX is a little off
  no_bias,           ///< the bias is left out
  flipped_kernel,    ///< WU gives the gradient of the kernel turned by half a turn
  dilation_swapped,  ///< dilation of the two axes is exchanged
  padding_lanes,     ///< dW takes the padding lanes in
  dirty_padding,     ///< padding lanes of dX stay as they were allocated
  wrong_axis,        ///< compress groups along the other axis
  ragged_group,      ///< a short last group loses its last kept element
  ties,              ///< compress keeps the higher index of equal magnitudes
  stale_packed,      ///< update packs the weight from before the step
  forgets_ff,        ///< update pre-generates W_bp only
  no_sr_ste,         ///< update leaves the SR-STE term out
  keeps_state,       ///< update does not advance the second state of a rule
  miscounted,        ///< the counter of operations forgets that weights were pruned
  wrong_row,         ///< BP multiplies with the packed weights of the row above
  unordered_sum,     ///< the last bit of a sum depends on what ran before
  keeps_weights,     ///< FF multiplies with the packed weights of the first call of that shape
  thread_bound,      ///< works in the thread that made it only
  thread_count,      ///< WU is right with one number of threads only
  unaligned,         ///< memory is not aligned to 64 bytes
  unscaled,          ///< a sampled dY keeps its elements as they are, which is biased
  even_scale,        ///< a sampled dY has kept elements times M / N, whatever their probability
  same_steps,        ///< a sampled dY is drawn in all steps as in the first
  same_layers,       ///< a sampled dY is drawn in all layers as in the first
  bias_of_sampled,   ///< the gradient of the bias sums the sampled dY
  takes_anything,    ///< supports() says yes to whole numbers
  no_reason,         ///< supports() refuses without a reason
  two_lines,         ///< supports() refuses with two lines
  accepts_nonsense,  ///< compress takes a weight of rank 2
};

/// The reference device with one fault.
class FaultyDevice : public Device {
 public:
  explicit FaultyDevice(Fault fault) : fault_(fault) {}

  std::string_view name() const override { return "faulty"; }
  std::string description() const override { return "the reference device with a fault"; }
  Support supports(const LayerPlan& plan, Pass pass) const override {
    if (fault_ == Fault::takes_anything) return {};
    // Small layers in one precision are enough to find a fault.
    if (plan.dtype != DType::f32 || plan.operands != DType::f32) {
      return Support::no(fault_ == Fault::no_reason   ? ""
                         : fault_ == Fault::two_lines ? "it computes\nin f32 only"
                                                      : "it computes in f32 only");
    }
    const Geometry& g = plan.geometry;
    if (g.in_channels > 100 || g.out_channels > 100 || g.weight_shape().numel() > 30000)
      return Support::no("it has room for small weights only");
    return sound_->supports(plan, pass);
  }

  void forward(const LayerPlan& plan, const Tensor& x, const WeightOperand& w, const Tensor& bias,
               Tensor& y) override {
    if (fault_ == Fault::thread_bound && std::this_thread::get_id() != maker_)
      throw DeviceError("called from another thread");
    LayerPlan changed = plan;
    if (fault_ == Fault::dilation_swapped)
      std::swap(changed.geometry.dilation[0], changed.geometry.dilation[1]);
    if (fault_ == Fault::dilation_swapped && !(changed.geometry.output_shape("faulty", x.shape()) ==
                                               plan.geometry.output_shape("faulty", x.shape())))
      changed = plan;
    WeightOperand used = w;
    if (fault_ == Fault::keeps_weights && w.packed) {
      if (!kept_.defined() || !(kept_.dense_shape == w.packed->dense_shape)) kept_ = *w.packed;
      used.packed = &kept_;
    }
    sound_->forward(changed, x, used, fault_ == Fault::no_bias ? Tensor() : bias, y);
    if (fault_ == Fault::one_output) y.data<float>()[0] += 0.01F;
    if (fault_ == Fault::unordered_sum && ++calls_ % 3 == 0) {
      float& first = y.data<float>()[0];
      first = std::nextafter(first, 100.0F);
    }
    count(Pass::ff);
  }
  void backward_data(const LayerPlan& plan, const Tensor& dy, const WeightOperand& w, Tensor& dx) override {
    if (fault_ == Fault::wrong_row && w.packed && w.packed->rows() > 1) {
      PackedWeight shifted = *w.packed;
      shifted.values = w.packed->values.clone();
      Tensor rest = shifted.values.slice_view(0, 1, w.packed->rows());
      rest.copy_from(w.packed->values.slice_view(0, 0, w.packed->rows() - 1));
      sound_->backward_data(plan, dy, {.packed = &shifted}, dx);
    } else {
      sound_->backward_data(plan, dy, w, dx);
    }
    if (fault_ == Fault::one_gradient) dx.data<float>()[0] += 0.01F;
    if (fault_ == Fault::dirty_padding && dx.dim(0) % kLanes != 0)
      dx.data<float>()[dx.extent() - 1] = std::numeric_limits<float>::quiet_NaN();
    count(Pass::bp);
  }
  void backward_weights(const LayerPlan& plan, const SampleKey& key, const Tensor& x, const Tensor& dy,
                        Tensor& dw, Tensor& dbias) override {
    if (fault_ == Fault::padding_lanes) {
      sound_->backward_weights(plan, key, padded(x), padded(dy), dw, dbias);
    } else if (plan[Pass::wu].gradient.kind == OperandKind::sampled) {
      return sampled_gradient(plan, key, x, dy, dw, dbias);
    } else {
      sound_->backward_weights(plan, key, x, dy, dw, dbias);
    }
    if (fault_ == Fault::thread_count && threads() == 3) dw.data<float>()[0] += 0.01F;
    if (fault_ == Fault::flipped_kernel) {
      // Channels-last: [K][R][S][C].
      const std::int64_t c = dw.dim(1), taps = dw.dim(2) * dw.dim(3);
      float* const at = dw.data<float>();
      for (std::int64_t k = 0; k < dw.dim(0); ++k) {
        for (std::int64_t t = 0; t < taps / 2; ++t)
          std::swap_ranges(at + (k * taps + t) * c, at + (k * taps + t + 1) * c,
                           at + (k * taps + taps - 1 - t) * c);
      }
    }
    count(Pass::wu);
  }
  PackedWeight compress(const Tensor& weight, GroupAxis axis, Pattern pattern) override {
    if (fault_ == Fault::accepts_nonsense && weight.rank() != 4) return {};
    if (fault_ == Fault::wrong_axis) {
      axis = axis == GroupAxis::input_channels ? GroupAxis::output_channels : GroupAxis::input_channels;
    }
    PackedWeight packed = sound_->compress(weight, axis, pattern);
    if (fault_ == Fault::ties) keep_last_tie(packed, weight);
    if (fault_ == Fault::ragged_group) drop_last(packed);
    return packed;
  }
  void update(const UpdateArgs& args) override {
    const Tensor before = args.weight.clone();
    UpdateArgs changed = args;
    if (fault_ == Fault::no_sr_ste) changed.sr_ste = 0;
    if (fault_ == Fault::keeps_state && args.states[1].defined()) changed.states[1] = args.states[1].clone();
    sound_->update(changed);
    if (fault_ == Fault::stale_packed && args.packed_bp)
      *args.packed_bp = compress_reference(before, GroupAxis::output_channels, args.pattern);
    if (fault_ == Fault::forgets_ff && args.packed_ff) *args.packed_ff = {};
  }
  std::shared_ptr<std::byte> allocate(std::size_t bytes) override {
    if (fault_ != Fault::unaligned) return Device::allocate(bytes);
    auto block = Device::allocate(bytes + 32);
    return {block, block.get() + 32};
  }

 private:
  void sampled_gradient(const LayerPlan& plan, SampleKey key, const Tensor& x, const Tensor& dy, Tensor& dw,
                        Tensor& dbias) {
    const Pattern pattern = plan[Pass::wu].gradient.pattern;
    if (!first_key_) first_key_ = key;
    if (fault_ == Fault::same_steps) key.step = first_key_->step;
    if (fault_ == Fault::same_layers) key.layer = first_key_->layer;
    LayerPlan dense = plan;
    dense[Pass::wu].gradient = {};
    Tensor nothing;
    if (fault_ == Fault::unscaled || fault_ == Fault::even_scale) {
      const double scale = fault_ == Fault::even_scale ? static_cast<double>(pattern.m) / pattern.n : 1;
      sound_->backward_weights(dense, key, x, kept_elements(dy, pattern, key, scale), dw, nothing);
    } else {
      sound_->backward_weights(plan, key, x, dy, dw, nothing);
    }
    if (dbias.defined()) {
      const Tensor summed =
          fault_ == Fault::bias_of_sampled ? expand(sample_along_images(dy, pattern, key)) : dy;
      Tensor unused = Tensor::empty_like(dw);
      sound_->backward_weights(dense, key, x, summed, unused, dbias);
    }
    sound_->reset_counters();
    counters_.count(Pass::wu, plan, dy);
  }

  /// The elements of dY that are drawn, times `scale` and not over their probability.
  static Tensor kept_elements(const Tensor& dy, Pattern pattern, const SampleKey& key, double scale) {
    std::vector<double> kept = expand(sample_along_images(dy, pattern, key)).to_vector<double>();
    const std::vector<double> values = dy.to_vector<double>();
    for (std::size_t i = 0; i < kept.size(); ++i) kept[i] = kept[i] == 0 ? 0 : scale * values[i];
    return Tensor::from(kept, dy.shape()).to(DType::f32).in_layout_of(dy);
  }

  /// The same tensor with the padding lanes of its last block counted as images.
  static Tensor padded(const Tensor& tensor) {
    Shape shape = tensor.shape();
    shape[0] = (shape[0] + kLanes - 1) / kLanes * kLanes;
    return tensor.view(shape, tensor.layout());
  }

  /// Of two kept and pruned neighbours with equal magnitude, keeps the wrong one.
  static void keep_last_tie(PackedWeight& packed, const Tensor& weight) {
    if (packed.axis != GroupAxis::input_channels || packed.pattern.n != 1) return;
    for (std::int64_t row = 0; row < packed.rows(); ++row) {
      const std::int64_t at = packed.values.offset({row, 0, 0, 0});
      const std::int64_t kept = packed.indices.data<std::uint8_t>()[at];
      const float value = packed.values.data<float>()[at];
      const std::int64_t end = std::min<std::int64_t>(packed.pattern.m, weight.dim(1));
      for (std::int64_t c = kept + 1; c < end; ++c) {
        const float other = weight.data<float>()[weight.offset({row, c, 0, 0})];
        if (std::abs(other) != std::abs(value)) continue;
        packed.indices.data<std::uint8_t>()[at] = static_cast<std::uint8_t>(c);
        packed.values.data<float>()[at] = other;
      }
    }
  }

  /// Zeroes the last kept element of a short last group.
  static void drop_last(PackedWeight& packed) {
    const std::int64_t channels = packed.dense_shape[packed.axis == GroupAxis::input_channels ? 1 : 0];
    if (channels % packed.pattern.m == 0) return;
    for (std::int64_t i = packed.kept() - 1; i < packed.values.numel(); i += packed.kept())
      packed.values.data<float>()[i] = 0;
  }

  /// Takes over what the sound device, an instance of our own, has just counted.
  void count(Pass pass) {
    counters_[pass] = sound_->counters()[pass];
    if (fault_ == Fault::miscounted) counters_[pass].macs = counters_[pass].dense_macs;
    sound_->reset_counters();
  }

  static std::shared_ptr<Device> make_sound() {
    if (auto reference = make_built_in("reference")) return reference;
    throw DeviceError("the reference device is not built in");
  }

  Fault fault_;
  std::shared_ptr<Device> sound_ = make_sound();
  std::thread::id maker_ = std::this_thread::get_id();
  PackedWeight kept_;
  std::optional<SampleKey> first_key_;  ///< of a sampled dY
  int calls_ = 0;
};

}  // namespace satsuma::testing

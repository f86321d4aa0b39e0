#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>

#include "satsuma/core/error.hpp"
#include "satsuma/device/registry.hpp"

namespace satsuma::testing {

/// What a device may get wrong without anybody seeing it in a loss curve.
enum class Fault {
  none,
  one_output,     ///< one element of Y is a little off
  one_gradient,   ///< one element of dX is a little off
  padding_lanes,  ///< dW takes the padding lanes in
  dirty_padding,  ///< padding lanes of dX stay as they were allocated
  ties,           ///< compress keeps the higher index of equal magnitudes
  stale_packed,   ///< update packs the weight from before the step
  miscounted,     ///< the counter of operations forgets that weights were pruned
  wrong_row,      ///< BP multiplies with the packed weights of the row above
};

/// The reference device with one fault.
class FaultyDevice : public Device {
 public:
  explicit FaultyDevice(Fault fault) : fault_(fault) {}

  std::string_view name() const override { return "faulty"; }
  std::string description() const override { return "the reference device with a fault"; }
  Support supports(const PassRequest& request) const override {
    // Small layers in one precision are enough to find a fault.
    if (request.dtype != DType::f32) return Support::no("it computes in f32 only");
    if (request.geometry.weight_shape().numel() > 2000)
      return Support::no("it has room for small weights only");
    return sound_->supports(request);
  }

  void forward(const PassSpec& g, const Tensor& x, const WeightOperand& w, const Tensor& bias,
               Tensor& y) override {
    sound_->forward(g, x, w, bias, y);
    if (fault_ == Fault::one_output) disturb(y);
    count(Pass::ff);
  }
  void backward_data(const PassSpec& g, const Tensor& dy, const WeightOperand& w, Tensor& dx) override {
    if (fault_ == Fault::wrong_row && w.packed && w.packed->rows() > 1) {
      PackedWeight shifted = *w.packed;
      shifted.values = w.packed->values.clone();
      Tensor rest = shifted.values.slice_view(0, 1, w.packed->rows());
      rest.copy_from(w.packed->values.slice_view(0, 0, w.packed->rows() - 1));
      sound_->backward_data(g, dy, {.packed = &shifted}, dx);
    } else {
      sound_->backward_data(g, dy, w, dx);
    }
    if (fault_ == Fault::one_gradient) disturb(dx);
    if (fault_ == Fault::dirty_padding && dx.dim(0) % kLanes != 0) {
      dx.data<float>()[dx.extent() - 1] = std::numeric_limits<float>::quiet_NaN();
    }
    count(Pass::bp);
  }
  void backward_weights(const PassSpec& g, const Tensor& x, const Tensor& dy, Tensor& dw,
                        Tensor& dbias) override {
    if (fault_ == Fault::padding_lanes) {
      sound_->backward_weights(g, padded(x), padded(dy), dw, dbias);
    } else {
      sound_->backward_weights(g, x, dy, dw, dbias);
    }
    count(Pass::wu);
  }
  PackedWeight compress(const Tensor& weight, GroupAxis axis, Pattern pattern) override {
    PackedWeight packed = sound_->compress(weight, axis, pattern);
    if (fault_ == Fault::ties) keep_last_tie(packed, weight);
    return packed;
  }
  void update(const UpdateArgs& args) override {
    const Tensor before = args.weight.clone();
    sound_->update(args);
    if (fault_ == Fault::stale_packed && args.packed_bp) {
      *args.packed_bp = compress_reference(before, GroupAxis::output_channels, args.pattern);
    }
  }

 private:
  static void disturb(Tensor& tensor) { tensor.data<float>()[0] += 0.01F; }

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

  /// Takes over what the sound device, an instance of our own, has just counted.
  void count(Pass pass) {
    counters_[pass] = sound_->counters()[pass];
    if (fault_ == Fault::miscounted) counters_[pass].macs = counters_[pass].dense_macs;
    sound_->reset_counters();
  }

  static std::shared_ptr<Device> make_sound() {
    for (const DeviceEntry& entry : device_entries()) {
      if (entry.name == "reference") return entry.create();
    }
    throw DeviceError("the reference device is not built in");
  }

  Fault fault_;
  std::shared_ptr<Device> sound_ = make_sound();
};

}  // namespace satsuma::testing

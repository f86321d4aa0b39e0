#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "satsuma/core/tensor.hpp"
#include "satsuma/device/plan.hpp"
#include "satsuma/device/update.hpp"
#include "satsuma/sparse/packed.hpp"
#include "satsuma/sparse/sampling.hpp"

namespace satsuma {

/// Yes, or no with a reason that reaches the user.
struct Support {
  bool yes = true;
  std::string reason;

  static Support no(std::string reason) { return {false, std::move(reason)}; }
  explicit operator bool() const { return yes; }
};

/// The weight of FF or BP: exactly one of the two is set.
struct WeightOperand {
  const Tensor* dense = nullptr;         ///< [K, C / groups, R, S], channels-last
  const PackedWeight* packed = nullptr;  ///< W_ff in FF, W_bp in BP
  /// Where a device may keep its own arrangement of `dense`, which dies when the weight changes; null where
  /// it will change before the next pass.
  std::shared_ptr<DeviceForm>* dense_form = nullptr;
};

/// What a device has executed since its counters were reset.
struct Counters {
  struct PerPass {
    std::int64_t calls = 0;
    std::int64_t macs = 0;         ///< multiply-adds with kept weights
    std::int64_t dense_macs = 0;   ///< what a dense device would have executed
    std::int64_t nanoseconds = 0;  ///< host time
  };
  std::array<PerPass, 3> pass;  ///< indexed by Pass
  std::int64_t compress_nanoseconds = 0;
  std::int64_t update_nanoseconds = 0;
  std::int64_t bytes_to_device = 0;
  std::int64_t bytes_from_device = 0;
  std::int64_t cycles = 0;                ///< 0 where the device knows none
  std::int64_t device_nanoseconds = 0;    ///< that these cycles take on a device that is emulated
  std::int64_t nanojoules = 0;            ///< 0 where the device knows none
  std::int64_t kernel_nanoseconds = 0;    ///< by the device's own clock; 0 where it has none
  std::int64_t transfer_nanoseconds = 0;  ///< likewise, of bytes_to_device and bytes_from_device

  PerPass& operator[](Pass p) { return pass[static_cast<std::size_t>(p)]; }
  const PerPass& operator[](Pass p) const { return pass[static_cast<std::size_t>(p)]; }

  /// Adds what was counted between two readings of a device's counters.
  void add(const Counters& before, const Counters& after);
  /// One call of a pass whose output side, y or dy, is shaped like `output`.
  PerPass& count(Pass p, const LayerPlan& plan, const Tensor& output);
};

/// Who runs contractions. A backend implements this class and nothing else; see docs/architecture.md.
///
/// Activations come and go in activation_format() or activation_format_of(); weights and their gradients are
/// channels-last. Outputs are allocated by the caller and wholly overwritten. Calls come from one thread;
/// work may be asynchronous until synchronize(). A pass is called only when supports() said yes. Failures are
/// thrown as DeviceError, at synchronize() at the latest.
class Device {
 public:
  virtual ~Device() = default;

  virtual std::string_view name() const = 0;
  /// One line for `satsuma devices`: what runs the work.
  virtual std::string description() const = 0;
  virtual MemoryFormat activation_format() const { return MemoryFormat::batch_blocked; }
  /// The format for batches of `images`, where that depends on their number. Both formats are understood
  /// whatever the batch; the operands of a pass share one.
  virtual MemoryFormat activation_format_of(std::int64_t images) const {
    static_cast<void>(images);
    return activation_format();
  }
  /// What products are made of where nobody says otherwise (ContractionSettings::operands).
  virtual DType default_operands() const { return DType::f32; }
  /// Whether it runs a pass of a layer as the plan says, whatever the size of the batch and of the image.
  virtual Support supports(const LayerPlan& plan, Pass pass) const = 0;

  /// y[N, K, P, Q] = x[N, C, H, W] * w (+ bias[K], undefined for none).
  virtual void forward(const LayerPlan& plan, const Tensor& x, const WeightOperand& w, const Tensor& bias,
                       Tensor& y) = 0;
  /// dx[N, C, H, W] = dy[N, K, P, Q] * w^T. Where the plan has a pruned dY, groups of M output channels of
  /// `dy` count with the N largest magnitudes alone (ties to the lower channel), image by image and pixel by
  /// pixel.
  virtual void backward_data(const LayerPlan& plan, const Tensor& dy, const WeightOperand& w, Tensor& dx) = 0;
  /// dw[K, C / groups, R, S] = x^T * dy, and dbias[K] = sum of dy over N, P, Q where `dbias` is defined.
  /// Where the plan has a sampled dY, `key` decides the choice for dw (sampling.hpp); dbias sums the whole
  /// dY.
  virtual void backward_weights(const LayerPlan& plan, const SampleKey& key, const Tensor& x,
                                const Tensor& dy, Tensor& dw, Tensor& dbias) = 0;

  /// Weights to packed N:M along one axis (what SORE does).
  virtual PackedWeight compress(const Tensor& weight, GroupAxis axis, Pattern pattern) = 0;
  /// Optimiser step, and with it the next step's packed weights (WUVE with pre-generation). Every rule is
  /// run: a device that has no unit for one computes on the host what it has none for (descent_of()).
  virtual void update(const UpdateArgs& args) = 0;

  /// Memory that the device reaches without a copy, 64-byte aligned.
  virtual std::shared_ptr<std::byte> allocate(std::size_t bytes);
  /// Returns when all work is done; throws what went wrong in it.
  virtual void synchronize() {}

  const Counters& counters() const { return counters_; }
  void reset_counters() { counters_ = {}; }

 protected:
  Counters counters_;
};

}  // namespace satsuma

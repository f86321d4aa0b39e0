#include <memory>

#include <fmt/format.h>

#include "satsuma/core/cpu.hpp"
#include "satsuma/core/integer.hpp"
#include "satsuma/core/parallel.hpp"
#include "satsuma/device/device.hpp"
#include "satsuma/device/rounding.hpp"
#include "satsuma/device/stopwatch.hpp"
#include "src/cpu/compress.hpp"
#include "src/cpu/kernels/bf16.hpp"
#include "src/cpu/passes.hpp"
#include "src/cpu/update.hpp"
#include "src/cpu/weight_gradient.hpp"
#include "src/device/f32_device.hpp"

namespace satsuma {

namespace {

/// True where so few lanes of the blocks would hold images that channels-last activations are faster. See
/// docs/performance.md, "Small batches".
bool is_small_batch(std::int64_t images) {
  return 4 * images <= 3 * ceil_div(images, kLanes) * kLanes;
}

/// Our kernels on batch-blocked activations, for the instruction set at hand.
class CpuDevice : public Device {
 public:
  std::string_view name() const override { return "cpu"; }

  std::string description() const override {
    return fmt::format("{}, {} kernels, {} threads", cpu_name(), to_string(active_isa()), threads());
  }

  MemoryFormat activation_format_of(std::int64_t images) const override {
    return is_small_batch(images) ? MemoryFormat::channels_last : MemoryFormat::batch_blocked;
  }

  Support supports(const PassRequest& request) const override {
    return supports_f32(request, {DType::f32, DType::bf16, DType::f16});
  }

  void forward(const PassSpec& spec, const Tensor& x, const WeightOperand& w, const Tensor& bias,
               Tensor& y) override {
    const Stopwatch watch = count(Pass::ff, spec.geometry, w, y);
    if (has_products(spec)) return cpu::forward(spec, x, w, bias, y);
    cpu::forward(spec.geometry, rounded(x, spec.operands), rounded_weight(w, spec.operands).operand(), bias,
                 y);
  }

  void backward_data(const PassSpec& spec, const Tensor& dy, const WeightOperand& w, Tensor& dx) override {
    const Stopwatch watch = count(Pass::bp, spec.geometry, w, dy);
    if (has_products(spec)) return cpu::backward_data(spec, dy, w, dx);
    cpu::backward_data(spec.geometry, rounded(dy, spec.operands), rounded_weight(w, spec.operands).operand(),
                       dx);
  }

  void backward_weights(const PassSpec& spec, const Tensor& x, const Tensor& dy, Tensor& dw,
                        Tensor& dbias) override {
    const Stopwatch watch = count(Pass::wu, spec.geometry, {}, dy);
    if (has_products(spec)) {
      cpu::weight_gradient(spec, x, dy, dw);
    } else {
      const Tensor rounded_dy = rounded(dy, spec.operands);
      cpu::weight_gradient(spec.geometry, rounded(x, spec.operands), rounded_dy, dw);
      if (dbias.defined() && spec.operands == DType::f16) return cpu::bias_gradient(rounded_dy, dbias);
    }
    if (dbias.defined()) cpu::bias_gradient(dy, dbias);
  }

  PackedWeight compress(const Tensor& weight, GroupAxis axis, Pattern pattern) override {
    const Stopwatch watch(counters_.compress_nanoseconds);
    return cpu::compress(weight, axis, pattern);
  }

  void update(const UpdateArgs& args) override {
    const Stopwatch watch(counters_.update_nanoseconds);
    cpu::update(args);
  }

 private:
  /// True when there are instructions for the products; otherwise operands are rounded first and multiplied
  /// in f32, which gives the same products.
  static bool has_products(const PassSpec& spec) {
    return spec.operands == DType::f32 || (spec.operands == DType::bf16 && cpu::bf16_kernels() != nullptr);
  }

  static RoundedWeight rounded_weight(const WeightOperand& w, DType operands) {
    if (w.packed == nullptr) return {w, operands};
    const PackedWeight packed = cpu::documented(*w.packed);
    return {{.packed = &packed}, operands};
  }

  /// Counts a pass whose output side is shaped like `output`, and times it until the result is destroyed.
  Stopwatch count(Pass pass, const Geometry& geometry, const WeightOperand& w, const Tensor& output) {
    return Stopwatch(counters_.count(pass, geometry, w, output).nanoseconds);
  }
};

}  // namespace

std::shared_ptr<Device> create_cpu_device() {
  return std::make_shared<CpuDevice>();
}

}  // namespace satsuma

#include <memory>

#include <fmt/core.h>

#include "satsuma/core/cpu.hpp"
#include "satsuma/core/integer.hpp"
#include "satsuma/core/parallel.hpp"
#include "satsuma/device/device.hpp"
#include "satsuma/device/rounding.hpp"
#include "satsuma/device/stopwatch.hpp"
#include "src/cpu/compress.hpp"
#include "src/cpu/implementations.hpp"
#include "src/cpu/update.hpp"
#include "src/cpu/weight_gradient.hpp"
#include "src/device/f32_device.hpp"

namespace satsuma {

namespace {

/// True where so few lanes of the blocks would hold images that channels-last activations are faster. See
/// docs/kernels.md, "Small batches".
bool is_small_batch(std::int64_t images) {
  return 4 * images <= 3 * ceil_div(images, kLanes) * kLanes;
}

/// Our kernels on batch-blocked activations, for the instruction set at hand.
class CpuDevice : public Device {
 public:
  std::string_view name() const override { return "cpu"; }

  std::string description() const override {
    return fmt::format("{}, {} kernels, {} threads", cpu_name(), kernels_name(), threads());
  }

  MemoryFormat activation_format_of(std::int64_t images) const override {
    return is_small_batch(images) ? MemoryFormat::channels_last : MemoryFormat::batch_blocked;
  }

  Support supports(const LayerPlan& plan, Pass pass) const override {
    return supports_f32(plan, pass, {DType::f32, DType::bf16, DType::f16},
                        {OperandKind::pruned, OperandKind::sampled});
  }

  void forward(const LayerPlan& plan, const Tensor& x, const WeightOperand& w, const Tensor& bias,
               Tensor& y) override {
    const Stopwatch watch = count(Pass::ff, plan, y);
    cpu::forward(plan, x, w, bias, y);
  }

  void backward_data(const LayerPlan& plan, const Tensor& dy, const WeightOperand& w, Tensor& dx) override {
    const Stopwatch watch = count(Pass::bp, plan, dy);
    cpu::backward_data(plan, dy, w, dx);
  }

  void backward_weights(const LayerPlan& plan, const SampleKey& key, const Tensor& x, const Tensor& dy,
                        Tensor& dw, Tensor& dbias) override {
    const Stopwatch watch = count(Pass::wu, plan, dy);
    cpu::weight_gradient(plan, key, x, dy, dw);
    if (dbias.defined())
      cpu::bias_gradient(plan.operands == DType::f16 ? rounded(dy, DType::f16) : dy, dbias);
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
  /// Counts a pass whose output side is shaped like `output`, and times it until the result is destroyed.
  Stopwatch count(Pass pass, const LayerPlan& plan, const Tensor& output) {
    return Stopwatch(counters_.count(pass, plan, output).nanoseconds);
  }
};

}  // namespace

std::shared_ptr<Device> create_cpu_device() {
  return std::make_shared<CpuDevice>();
}

}  // namespace satsuma

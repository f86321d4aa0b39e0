#include <fmt/core.h>
#include <omp.h>

#include <memory>
#include <unordered_map>
#include <vector>

#include "satsuma/core/allocator.hpp"
#include "satsuma/core/cpu.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/core/parallel.hpp"
#include "satsuma/device/device.hpp"
#include "satsuma/device/stopwatch.hpp"
#include "src/cpu/compress.hpp"
#include "src/cpu/update.hpp"
#include "src/cpu/weight_gradient.hpp"
#include "src/devices/onednn/operation.hpp"

namespace satsuma {

namespace onednn {

namespace {

using dnnl::memory;

/// A weight as a primitive of oneDNN wants it.
struct OneDnnForm : DeviceForm {
  memory::desc desc;
  std::shared_ptr<std::byte> bytes;
};

/// Runs `f`; an error of oneDNN becomes one of ours.
template <typename F>
auto translated(F&& f) {
  try {
    return f();
  } catch (const dnnl::error& error) {
    throw DeviceError(fmt::format("oneDNN: {}, status {}", error.what(), static_cast<int>(error.status)));
  }
}

/// Dense products by oneDNN, on channels-last activations; what it has nothing for, such as the update, by
/// our code for this CPU.
class OneDnnDevice : public Device {
 public:
  OneDnnDevice()
      : engine_(dnnl::engine::kind::cpu, 0),
        stream_(engine_),
        operations_(engine_),
        has_bf16_(probe_bf16()) {}

  std::string_view name() const override { return "onednn"; }
  std::string description() const override {
    const dnnl_version_t* const version = dnnl_version();
    return fmt::format("oneDNN {}.{}.{} on {}, {} threads", version->major, version->minor, version->patch,
                       cpu_name(), threads());
  }

  MemoryFormat activation_format() const override { return MemoryFormat::channels_last; }

  Support supports(const LayerPlan& plan, Pass pass) const override {
    if (plan.dtype != DType::f32)
      return Support::no(fmt::format("computes in f32, not {}", to_string(plan.dtype)));
    if (plan.operands != DType::f32 && plan.operands != DType::bf16)
      return Support::no(fmt::format("has no products of {}", to_string(plan.operands)));
    if (plan.operands == DType::bf16 && !has_bf16_)
      return Support::no("oneDNN has no convolution of bf16 on this CPU");
    if (const OperandPlan& operand = plan[pass].skipping(); operand.skips()) {
      return Support::no(fmt::format("multiplies dense operands alone, not {} {}", to_string(operand.kind),
                                     to_string(operand.pattern)));
    }
    return {};
  }

  void forward(const LayerPlan& plan, const Tensor& x, const WeightOperand& w, const Tensor& bias,
               Tensor& y) override {
    const Stopwatch watch = count(Pass::ff, plan, y);
    translated([&] {
      Call call(*this, Pass::ff, plan, x, y, bias.defined());
      call.give(call.operation.x, x);
      call.give_weight(w);
      if (bias.defined()) call.give_bias(bias);
      call.run(call.operation.y, y);
    });
  }

  void backward_data(const LayerPlan& plan, const Tensor& dy, const WeightOperand& w, Tensor& dx) override {
    const Stopwatch watch = count(Pass::bp, plan, dy);
    translated([&] {
      Call call(*this, Pass::bp, plan, dx, dy, false);
      call.give(call.operation.y, dy);
      call.give_weight(w);
      call.run(call.operation.x, dx);
    });
  }

  void backward_weights(const LayerPlan& plan, const SampleKey& /*key*/, const Tensor& x, const Tensor& dy,
                        Tensor& dw, Tensor& dbias) override {
    const Stopwatch watch = count(Pass::wu, plan, dy);
    translated([&] {
      Call call(*this, Pass::wu, plan, x, dy, false);
      call.give(call.operation.x, x);
      call.give(call.operation.y, dy);
      call.run(call.operation.w, dw);
    });
    // Of dY as it is: the primitive would sum what it was rounded to.
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
  /// One run of a primitive: its operands, and memory for those that have to lie as it wants.
  class Call {
   public:
    Call(OneDnnDevice& device, Pass pass, const LayerPlan& plan, const Tensor& x, const Tensor& y, bool bias)
        : operation(device.operation(pass, plan, x, y, bias)), device_(device) {}

    const Operation& operation;

    void give(const Operand& operand, const Tensor& tensor) {
      arguments_[operand.argument] = operand.moves()
                                         ? moved(operand, over(operand.ours, tensor), room(operand.theirs))
                                         : over(operand.ours, tensor);
    }
    void give_weight(const WeightOperand& w) {
      const Operand& operand = operation.w;
      if (!operand.moves() || w.dense_form == nullptr) return give(operand, *w.dense);
      auto form = std::dynamic_pointer_cast<OneDnnForm>(*w.dense_form);
      if (form == nullptr || form->desc != operand.theirs) {
        form = std::make_shared<OneDnnForm>();
        form->desc = operand.theirs;
        form->bytes = allocate_host(operand.theirs.get_size());
        moved(operand, over(operand.ours, *w.dense), over(operand.theirs, form->bytes.get()));
        *w.dense_form = form;
      }
      arguments_[operand.argument] = over(form->desc, form->bytes.get());
    }
    void give_bias(const Tensor& bias) {
      arguments_[DNNL_ARG_BIAS] = over({{bias.dim(0)}, memory::data_type::f32, memory::format_tag::a}, bias);
    }
    /// Multiplies and leaves the result in `tensor`.
    void run(const Operand& result, const Tensor& tensor) {
      const memory ours = over(result.ours, tensor);
      arguments_[result.argument] = result.moves() ? room(result.theirs) : ours;
      arguments_[DNNL_ARG_SCRATCHPAD] = room(operation.scratch);
      {
        const Stopwatch watch(device_.counters_.kernel_nanoseconds);
        operation.primitive.execute(device_.stream_, arguments_);
        device_.stream_.wait();
      }
      if (!result.moves()) return;
      reorder(result, arguments_[result.argument], ours, device_.counters_.bytes_from_device);
    }

   private:
    memory over(const memory::desc& desc, std::byte* bytes) const { return {desc, device_.engine_, bytes}; }
    memory over(const memory::desc& desc, const Tensor& tensor) const {
      return over(desc, const_cast<std::byte*>(tensor.raw()));
    }
    memory room(const memory::desc& desc) {
      rooms_.push_back(allocate_host(desc.get_size()));
      return over(desc, rooms_.back().get());
    }
    memory moved(const Operand& operand, memory from, memory to) {
      reorder(operand, from, to, device_.counters_.bytes_to_device);
      return to;
    }
    void reorder(const Operand& operand, memory& from, const memory& target, std::int64_t& bytes) {
      const Stopwatch watch(device_.counters_.transfer_nanoseconds);
      memory to = target;
      operand.reorder.execute(device_.stream_, from, to);
      device_.stream_.wait();
      bytes += static_cast<std::int64_t>(operand.ours.get_size());
    }

    OneDnnDevice& device_;
    std::unordered_map<int, memory> arguments_;
    std::vector<std::shared_ptr<std::byte>> rooms_;
  };

  const Operation& operation(Pass pass, const LayerPlan& plan, const Tensor& x, const Tensor& y, bool bias) {
    omp_set_num_threads(threads());  // holds for the thread that calls, which may be a new one
    return operations_.of({pass, plan.geometry, plan.operands, x.shape(), y.shape(), bias, threads()});
  }

  bool probe_bf16() const {
    const Shape image = {1, 16, 4, 4};
    const Geometry geometry = {.in_channels = 16, .out_channels = 16};
    try {
      for (const Pass pass : {Pass::ff, Pass::bp, Pass::wu})
        make_operation(engine_, {pass, geometry, DType::bf16, image, image, false, threads()});
    } catch (const dnnl::error&) {
      return false;
    }
    return true;
  }

  /// Counts a pass whose output side is shaped like `output`, and times it until the result is destroyed.
  Stopwatch count(Pass pass, const LayerPlan& plan, const Tensor& output) {
    return Stopwatch(counters_.count(pass, plan, output).nanoseconds);
  }

  dnnl::engine engine_;
  dnnl::stream stream_;
  Operations operations_;
  bool has_bf16_;
};

}  // namespace

}  // namespace onednn

std::shared_ptr<Device> create_onednn_device() {
  return onednn::translated([] { return std::make_shared<onednn::OneDnnDevice>(); });
}

}  // namespace satsuma

#include <fmt/core.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/core/integer.hpp"
#include "satsuma/device/device.hpp"
#include "satsuma/device/sgd_rule.hpp"
#include "satsuma/device/stopwatch.hpp"
#include "src/core/embedded_file.hpp"
#include "src/cpu/compress.hpp"
#include "src/cpu/update.hpp"
#include "src/device/f32_device.hpp"
#include "src/device/settings.hpp"
#include "src/devices/opencl/buffers.hpp"
#include "src/opencl/arguments.hpp"

namespace satsuma {

namespace opencl {

/// Written by Meson from kernels/.
std::span<const EmbeddedFile> device_kernels();

namespace {

/// As the kernels have it: channels that a work-item makes.
constexpr std::int64_t kTile = 4;
/// Work-groups are squares of this side, or as many work-items in a line. Fixed, for a platform may compile a
/// kernel anew for each size.
constexpr std::int64_t kSide = 8;
constexpr std::int64_t kLine = kSide * kSide;

std::string source() {
  std::string source = fmt::format(
      "#define SIDE {0}\n#define SORE_LANES {1}\n#define WUVE_LANES {1}\n#define LARGEST_GROUP 64\n", kSide,
      kLine);
  for (const EmbeddedFile& file : device_kernels()) source += file.content;
  return source;
}

std::array<std::int64_t, 4> extents(const Tensor& weight) {
  return {weight.dim(0), weight.dim(1), weight.dim(2), weight.dim(3)};
}

/// A packed weight in the memory of a device.
struct OpenClForm : DeviceForm {
  const void* owner = nullptr;
  Buffer values;
  Buffer indices;
};

/// Any OpenCL device, with kernels compiled from source: f32, dense and N:M. Results are on the host when a
/// call returns; packed weights stay on the device.
class OpenClDevice : public Device {
 public:
  explicit OpenClDevice(const ChosenDevice& device)
      : session_(std::make_shared<Session>(device)),
        pool_(std::make_shared<BufferPool>(session_)),
        program_(session_->build(source(), "")),
        product_(session_->kernel(program_, "product")),
        gradient_(session_->kernel(program_, "gradient")),
        bias_gradient_(session_->kernel(program_, "bias_gradient")),
        reduce_(session_->kernel(program_, "sore")),
        update_(session_->kernel(program_, "wuve")),
        nothing_(pool_->take(1)) {}

  std::string_view name() const override { return "opencl"; }
  std::string description() const override {
    const DeviceInfo& info = session_->info();
    return fmt::format("{}, {}; {} MiB of memory", info.who(), info.version, info.memory >> 20);
  }

  Support supports(const LayerPlan& plan, Pass pass) const override {
    return supports_f32(plan, pass, {DType::f32});
  }

  void forward(const LayerPlan& plan, const Tensor& x, const WeightOperand& w, const Tensor& bias,
               Tensor& y) override {
    multiply(Pass::ff, plan, x, w, bias, y);
  }

  void backward_data(const LayerPlan& plan, const Tensor& dy, const WeightOperand& w, Tensor& dx) override {
    multiply(Pass::bp, plan, dy, w, {}, dx);
  }

  void backward_weights(const LayerPlan& plan, const SampleKey& /*key*/, const Tensor& x, const Tensor& dy,
                        Tensor& dw, Tensor& dbias) override {
    const Geometry& g = plan.geometry;
    const Stopwatch watch = count(Pass::wu, plan, dy);
    const PassSizes sizes{g, x.dim(0), {x.dim(2), x.dim(3)}, {dy.dim(2), dy.dim(3)}};
    run([&](Queue& queue) {
      const Buffer input = queue.write(x), gradient = queue.write(dy), result = room_for(dw);
      gradient_.set(*input, *gradient, *result, gradient_arguments(sizes));
      queue.run(gradient_, ceil_div(g.out_channels, kTile),
                ceil_div(g.in_channels, kTile) * g.kernel[0] * g.kernel[1]);
      queue.read(result, dw);
      if (!dbias.defined()) return;
      const Buffer bias = room_for(dbias);
      bias_gradient_.set(*gradient, *bias, bias_gradient_arguments(sizes), narrow(sizes.images));
      queue.run(bias_gradient_, g.out_channels);
      queue.read(bias, dbias);
    });
  }

  PackedWeight compress(const Tensor& weight, GroupAxis axis, Pattern pattern) override {
    check_compress(weight);
    const Stopwatch watch(counters_.compress_nanoseconds);
    // The kernel ranks a row by itself.
    if (pattern.shared > 1) return cpu::compress(weight, axis, pattern);
    PackedWeight packed;
    run([&](Queue& queue) { packed = reduce(queue, queue.write(weight), weight, axis, pattern); });
    return packed;
  }

  void update(const UpdateArgs& given) override {
    check_update(given);
    const Stopwatch watch(counters_.update_nanoseconds);
    if (given.pattern.shared > 1) return cpu::update(given);
    // There is a kernel of momentum SGD. Plain SGD is what is left of any other rule once there is a
    // direction.
    const UpdateArgs args = given.rule->sgd() ? given : descent_of(given, cpu::mask_ff(given));
    const Tensor& velocity_of = args.states[0];
    PackedWeight ff, bp;
    run([&](Queue& queue) {
      const Buffer weight = queue.write(args.weight), gradient = queue.write(args.grad);
      const Buffer velocity = velocity_of.defined() ? queue.write(velocity_of) : nothing_;
      Step step = step_arguments(extents(args.weight), sgd_step(args), args.pattern);
      if (velocity_of.defined()) step.velocity = 0;
      update_.set(*weight, *gradient, *velocity, step);
      queue.run(update_, groups_of(step));
      if (args.packed_ff) ff = reduce(queue, weight, args.weight, GroupAxis::input_channels, args.pattern);
      if (args.packed_bp) bp = reduce(queue, weight, args.weight, GroupAxis::output_channels, args.pattern);
      queue.read(weight, args.weight);
      if (velocity_of.defined()) queue.read(velocity, velocity_of);
    });
    if (args.packed_ff) *args.packed_ff = std::move(ff);
    if (args.packed_bp) *args.packed_bp = std::move(bp);
  }

  void synchronize() override { session_->finish(); }

 private:
  /// The commands of a call: counts bytes, and the device's time once they are done.
  class Queue {
   public:
    explicit Queue(OpenClDevice& device) : device_(device) {}

    Buffer write(const Tensor& tensor) {
      Buffer buffer = device_.room_for(tensor);
      const std::int64_t bytes = tensor.extent() * static_cast<std::int64_t>(size_of(tensor.dtype()));
      transfers_.push_back(
          device_.session_->write(*buffer, 0, tensor.raw(), static_cast<std::size_t>(bytes)));
      device_.counters_.bytes_to_device += bytes;
      used_.push_back(buffer);
      read_.push_back(tensor);
      return buffer;
    }
    void read(const Buffer& buffer, const Tensor& tensor) {
      const std::int64_t bytes = tensor.extent() * static_cast<std::int64_t>(size_of(tensor.dtype()));
      transfers_.push_back(
          device_.session_->read(*buffer, 0, Tensor(tensor).raw(), static_cast<std::size_t>(bytes)));
      device_.counters_.bytes_from_device += bytes;
      used_.push_back(buffer);
    }
    /// Work-items in squares, and in a line.
    void run(const Kernel& kernel, std::int64_t columns, std::int64_t rows) {
      run(kernel, {{groups(columns, kSide), groups(rows, kSide)}, {kSide, kSide}});
    }
    void run(const Kernel& kernel, std::int64_t items) {
      run(kernel, {{groups(items, kLine), 1}, {kLine, 1}});
    }
    void finish() {
      for (const Event& event : kernels_) device_.counters_.kernel_nanoseconds += time(event);
      for (const Event& event : transfers_) device_.counters_.transfer_nanoseconds += time(event);
    }

   private:
    static std::size_t groups(std::int64_t items, std::int64_t size) {
      return static_cast<std::size_t>(ceil_div(items, size));
    }
    void run(const Kernel& kernel, const Range& range) {
      kernels_.push_back(device_.session_->run(kernel, range));
    }
    std::int64_t time(const Event& event) {
      device_.session_->wait(event);
      return device_.session_->nanoseconds(event);
    }

    OpenClDevice& device_;
    std::vector<Event> kernels_, transfers_;
    std::vector<Buffer> used_;  ///< until commands are done, as
    std::vector<Tensor> read_;  ///< the host memory that they read
  };

  template <typename F>
  void run(F&& submit) {
    Queue queue(*this);
    try {
      submit(queue);
      session_->flush();
      queue.finish();
    } catch (...) {
      // What was queued names memory of the caller.
      session_->finish();
      throw;
    }
  }

  void multiply(Pass pass, const LayerPlan& plan, const Tensor& from, const WeightOperand& w,
                const Tensor& bias, Tensor& to) {
    const bool backward = pass == Pass::bp;
    const Tensor& x = backward ? to : from;
    const Tensor& y = backward ? from : to;
    const Stopwatch watch = count(pass, plan, y);
    run([&](Queue& queue) {
      const PassSizes sizes{plan.geometry, x.dim(0), {x.dim(2), x.dim(3)}, {y.dim(2), y.dim(3)}};
      Product p =
          product_arguments(pass, sizes, w.packed ? w.packed->pattern : Pattern(), w.packed != nullptr);
      const Buffer operand = queue.write(from), result = room_for(to);
      const OpenClForm weight = place(queue, w);
      if (w.packed != nullptr) p.indices = 0;
      if (bias.defined()) p.bias = 0;
      product_.set(*operand, *weight.values, *weight.indices, bias.defined() ? *queue.write(bias) : *nothing_,
                   *result, p);
      queue.run(product_, ceil_div(std::int64_t{p.out_channels}, kTile), vectors_of(p));
      queue.read(result, to);
    });
  }

  /// The weight on the device: what update() or an earlier pass left there, or written now.
  OpenClForm place(Queue& queue, const WeightOperand& w) {
    OpenClForm form;
    if (w.dense != nullptr) {
      form.values = queue.write(*w.dense);
      form.indices = nothing_;
      return form;
    }
    const auto* const known = dynamic_cast<const OpenClForm*>(w.packed->device_form.get());
    if (known != nullptr && known->owner == pool_.get()) return *known;
    form.owner = pool_.get();
    form.values = queue.write(w.packed->values);
    form.indices = queue.write(row_indices(*w.packed));
    w.packed->device_form = std::make_shared<OpenClForm>(form);
    return form;
  }

  PackedWeight reduce(Queue& queue, const Buffer& from, const Tensor& weight, GroupAxis axis,
                      Pattern pattern) {
    PackedWeight packed = empty_packed(weight, axis, pattern);
    const auto form = std::make_shared<OpenClForm>();
    form->owner = pool_.get();
    form->values = room_for(packed.values);
    form->indices = room_for(packed.indices);
    const Reduction arguments = reduction_arguments(extents(weight), axis, pattern);
    reduce_.set(*from, *form->values, *nothing_, *form->indices, arguments);
    queue.run(reduce_, groups_of(arguments));
    queue.read(form->values, packed.values);
    queue.read(form->indices, packed.indices);
    packed.device_form = form;
    return packed;
  }

  Buffer room_for(const Tensor& tensor) {
    return pool_->take(tensor.extent() * static_cast<std::int64_t>(size_of(tensor.dtype())));
  }

  Stopwatch count(Pass pass, const LayerPlan& plan, const Tensor& y) {
    return Stopwatch(counters_.count(pass, plan, y).nanoseconds);
  }

  std::shared_ptr<Session> session_;
  std::shared_ptr<BufferPool> pool_;
  Program program_;
  Kernel product_, gradient_, bias_gradient_, reduce_, update_;
  Buffer nothing_;  ///< stands for operands that a call has none of
};

}  // namespace

}  // namespace opencl

std::shared_ptr<Device> create_opencl_device() {
  return std::make_shared<opencl::OpenClDevice>(opencl::choose_device({}));
}

std::shared_ptr<Device> configure_opencl_device(std::string_view text) {
  auto settings = parse_device_settings("opencl", text, {"platform", "index"});
  opencl::Choice choice{settings["platform"]};
  if (const auto index = settings.find("index"); index != settings.end())
    choice.index = parse_device_index("opencl", "index", index->second);
  return std::make_shared<opencl::OpenClDevice>(opencl::choose_device(choice));
}

}  // namespace satsuma

#include "src/devices/sat/device.hpp"

#include <fmt/core.h>

#include <array>
#include <cmath>
#include <functional>
#include <utility>

#include "satsuma/core/error.hpp"
#include "satsuma/device/sgd_rule.hpp"
#include "satsuma/device/stopwatch.hpp"
#include "src/core/message.hpp"
#include "src/cpu/compress.hpp"
#include "src/device/f32_device.hpp"
#include "src/device/gradient_operand.hpp"
#include "src/devices/sat/driver.hpp"
#include "src/devices/sat/pass_times.hpp"

namespace satsuma {

namespace {

using sat::driver::Address;
using sat::driver::Buffer;
using sat::driver::Contract;
using sat::driver::Driver;
using sat::driver::kNowhere;
using sat::driver::Operand;
using sat::driver::Transport;

/// A packed weight in the memory of SAT.
struct SatForm : DeviceForm {
  Buffer halves;
  Operand indices;
};

std::array<std::int64_t, 4> extents(const Tensor& weight) {
  return {weight.dim(0), weight.dim(1), weight.dim(2), weight.dim(3)};
}

/// The SAT accelerator behind its driver. Results are on the host when a call returns.
class SatDevice : public Device {
 public:
  SatDevice(std::shared_ptr<Transport> transport, std::string_view name,
            std::function<std::shared_ptr<Transport>()> spare, std::optional<sat::Schedule> schedule)
      : name_(name),
        driver_(std::move(transport)),
        times_(driver_.transport().config(), std::move(schedule)),
        spare_(std::move(spare)) {}

  std::string_view name() const override { return name_; }
  std::string description() const override {
    const sat::Config& config = times_.config();
    return fmt::format("SAT, {} x {} USPEs at {} MHz, FP16 products and FP32 sums; {}", config.rows,
                       config.columns, config.clock_mhz, driver_.transport().description());
  }
  DType default_operands() const override { return DType::f16; }

  Support supports(const LayerPlan& plan, Pass pass) const override {
    if (plan.dtype != DType::f32) {
      return Support::no(fmt::format("takes tensors of f32, not {}", to_string(plan.dtype)));
    }
    if (plan.operands != DType::f16) {
      return Support::no(fmt::format("multiplies operands of f16, not {}", to_string(plan.operands)));
    }
    if (plan.geometry.groups != 1) {
      return Support::no(fmt::format("has no dataflow for {} groups of channels", plan.geometry.groups));
    }
    const OperandPlan& weight = plan[pass].weight;
    if (plan.transposable && pass != Pass::wu)
      return Support::no("SORE picks along one axis of a weight, not along two");
    if (weight.bits != 0)
      return Support::no(fmt::format("its weights are of f16, not of {} bits", weight.bits));
    if (const int largest = driver_.transport().largest_group();
        weight.skips() && weight.pattern.m > largest) {
      return Support::no(
          fmt::format("takes groups of at most {} weights, not {}", largest, to_string(weight.pattern)));
    }
    if (weight.skips() && weight.pattern.shared > 1 && !driver_.transport().shares_positions()) {
      return Support::no(
          fmt::format("has an index for each row, none for {} together", weight.pattern.shared));
    }
    return {};
  }

  void forward(const LayerPlan& plan, const Tensor& x, const WeightOperand& w, const Tensor& bias,
               Tensor& y) override {
    multiply(Pass::ff, plan, x, w, bias, y);
  }

  void backward_data(const LayerPlan& plan, const Tensor& dy, const WeightOperand& w, Tensor& dx) override {
    multiply(Pass::bp, plan, dy, w, {}, dx);
  }

  void backward_weights(const LayerPlan& plan, const SampleKey& key, const Tensor& x, const Tensor& dy,
                        Tensor& dw, Tensor& dbias) override {
    const sat::PassTiming& card = count(Pass::wu, plan, x, dy);
    const Stopwatch watch(counters_[Pass::wu].nanoseconds);
    run([&] {
      Contract command = contract(card, plan.geometry, x, dy);
      const Buffer input = driver_.load_halves(x);
      const Buffer whole = driver_.load_halves(dy);
      const bool samples = plan[Pass::wu].gradient.skips();
      const Buffer gradient =
          samples ? driver_.load_halves(gradient_operand(plan, Pass::wu, key, dy)) : whole;
      const Operand output = driver_.room_for(dw);
      const Operand bias_output = driver_.room_for(dbias);
      command.x = input.address();
      command.dy = gradient.address();
      command.bias_dy = whole.address();
      command.result = output.address;
      command.dbias = bias_output.address;
      driver_.submit(command);
      driver_.store(output, dw);
      driver_.store(bias_output, dbias);
    });
  }

  PackedWeight compress(const Tensor& weight, GroupAxis axis, Pattern pattern) override {
    check_compress(weight);
    const Stopwatch watch(counters_.compress_nanoseconds);
    Packed packed;
    run([&] {
      const Operand dense = driver_.load(weight);
      packed = make_packed(weight, axis, pattern);
      driver_.submit(sat::driver::Reduce{dense.address, extents(weight), axis, pattern, packed.address()});
      store(packed);
    });
    return packed.weight;
  }

  void update(const UpdateArgs& given) override {
    check_update(given);
    const Stopwatch watch(counters_.update_nanoseconds);
    // The WUVE does momentum SGD. Plain SGD is what is left of any other rule once there is a direction.
    const UpdateArgs args = given.rule->sgd() ? given : descent_of(given, cpu::mask_ff(given));
    Packed ff, bp;
    run([&] {
      const Operand weight = driver_.load(args.weight);
      const Operand gradient = driver_.load(args.grad);
      const Operand velocity = driver_.load(args.states[0]);
      sat::driver::Update command{weight.address,
                                  gradient.address,
                                  velocity.address,
                                  extents(args.weight),
                                  sgd_step(args),
                                  args.pattern,
                                  {},
                                  {}};
      if (args.packed_ff) {
        ff = make_packed(args.weight, GroupAxis::input_channels, args.pattern);
        command.ff = ff.address();
      }
      if (args.packed_bp) {
        bp = make_packed(args.weight, GroupAxis::output_channels, args.pattern);
        command.bp = bp.address();
      }
      driver_.submit(command);
      driver_.store(weight, args.weight);
      driver_.store(velocity, args.states[0]);
      if (args.packed_ff) store(ff);
      if (args.packed_bp) store(bp);
    });
    if (args.packed_ff) *args.packed_ff = std::move(ff.weight);
    if (args.packed_bp) *args.packed_bp = std::move(bp.weight);
  }

  std::shared_ptr<std::byte> allocate(std::size_t bytes) override { return driver_.allocate_shared(bytes); }
  void synchronize() override { driver_.wait(); }

 private:
  /// FF and BP: from x to y, or from dy to dx.
  void multiply(Pass pass, const LayerPlan& plan, const Tensor& from, const WeightOperand& w,
                const Tensor& bias, Tensor& to) {
    const bool backward = pass == Pass::bp;
    const Tensor& x = backward ? to : from;
    const Tensor& y = backward ? from : to;
    const sat::PassTiming& card = count(pass, plan, x, y);
    const Stopwatch watch(counters_[pass].nanoseconds);
    run([&] {
      Contract command = contract(card, plan.geometry, x, y);
      // SORE prunes dY; here that is the driver, with the same bits, and only its time is SORE's.
      const bool prunes = plan[pass].gradient.skips();
      const Buffer input = driver_.load_halves(prunes ? gradient_operand(plan, pass, {}, from) : from);
      const SatForm weight = place(w);
      const Operand bias_operand = driver_.load(bias);
      const Operand output = driver_.room_for(to);
      (backward ? command.dy : command.x) = input.address();
      set_weight(command, w, weight);
      command.bias = bias_operand.address;
      command.result = output.address;
      driver_.submit(command);
      driver_.store(output, to);
    });
  }

  /// A packed weight that SORE is to fill.
  struct Packed {
    PackedWeight weight;
    Operand values;
    std::shared_ptr<SatForm> form;

    sat::driver::PackedAddress address() const {
      return {values.address, form->halves.address(), form->indices.address};
    }
  };

  Packed make_packed(const Tensor& weight, GroupAxis axis, Pattern pattern) {
    Packed packed;
    packed.weight.pattern = pattern;
    packed.weight.axis = axis;
    packed.weight.dense_shape = weight.shape();
    const Shape shape = packed.weight.shape();
    const auto tensor = [&](const Shape& shape, DType dtype) {
      const auto bytes = static_cast<std::size_t>(shape.numel()) * size_of(dtype);
      return Tensor::over(allocate(bytes), shape, layout_of(shape, MemoryFormat::row_major), dtype);
    };
    packed.weight.values = tensor(shape, DType::f32);
    packed.weight.indices = tensor(packed.weight.index_shape(), DType::u8);
    packed.values = driver_.room_for(packed.weight.values);
    packed.form = std::make_shared<SatForm>();
    packed.form->halves = driver_.allocate(2 * shape.numel());
    packed.form->indices = driver_.room_for(packed.weight.indices);
    packed.weight.device_form = packed.form;
    return packed;
  }

  void store(const Packed& packed) {
    driver_.store(packed.values, packed.weight.values);
    driver_.store(packed.form->indices, packed.weight.indices);
  }

  /// The weight in device memory: what pre-generation left there, or loaded now. Packed weights that somebody
  /// else made stay there for the next time.
  SatForm place(const WeightOperand& w) {
    SatForm form;
    if (w.dense != nullptr) {
      form.halves = driver_.load_halves(*w.dense);
      return form;
    }
    const auto* const known = dynamic_cast<const SatForm*>(w.packed->device_form.get());
    if (known != nullptr && driver_.owns(known->halves)) return *known;
    form.halves = driver_.load_halves(w.packed->values);
    form.indices = driver_.load(w.packed->indices);
    w.packed->device_form = std::make_shared<SatForm>(form);
    return form;
  }

  static void set_weight(Contract& command, const WeightOperand& w, const SatForm& form) {
    command.weight = form.halves.address();
    if (w.packed == nullptr) return;
    command.indices = form.indices.address;
    command.pattern = w.packed->pattern;
  }

  static Contract contract(const sat::PassTiming& card, const Geometry& geometry, const Tensor& x,
                           const Tensor& y) {
    Contract command;
    command.pass = card.pass;
    command.dataflow = card.schedule.dataflow;
    command.geometry = geometry;
    command.images = x.dim(0);
    command.in_size = {x.dim(2), x.dim(3)};
    command.out_size = {y.dim(2), y.dim(3)};
    return command;
  }

  /// Runs what submits commands, and waits for them: host code reads results as soon as a call returns.
  template <typename F>
  void run(F&& submit) {
    try {
      submit_and_wait(submit);
    } catch (const sat::driver::OutOfDeviceMemory& error) {
      if (!spare_) throw;
      say("{}; going on with the emulator", error.what());
      driver_ = Driver(std::exchange(spare_, {})());
      submit_and_wait(submit);
    }
  }

  template <typename F>
  void submit_and_wait(F&& submit) {
    try {
      submit();
    } catch (...) {
      // What was submitted names memory of the caller, and the error that ended the call came first.
      try {
        driver_.wait();
      } catch (const DeviceError&) {
      }
      throw;
    }
    driver_.wait();
    counters_.bytes_to_device += driver_.bytes_to_device();
    counters_.bytes_from_device += driver_.bytes_from_device();
    driver_.reset_counts();
    const sat::driver::DeviceTimes times = driver_.take_times();
    counters_.kernel_nanoseconds += times.kernels;
    counters_.transfer_nanoseconds += times.transfers;
  }

  /// Counts a pass between x and y (or their gradients), and says what it takes on the card.
  const sat::PassTiming& count(Pass pass, const LayerPlan& plan, const Tensor& x, const Tensor& y) {
    counters_.count(pass, plan, y);
    const sat::PassTiming& card = times_.of(pass, plan, x.dim(0), {x.dim(2), x.dim(3)});
    counters_.cycles += card.cycles;
    counters_.device_nanoseconds += std::llround(1e9 * times_.config().seconds(card.cycles));
    counters_.nanojoules += std::llround(1e9 * card.energy.total());
    return card;
  }

  std::string name_;
  Driver driver_;
  sat::driver::PassTimes times_;
  std::function<std::shared_ptr<Transport>()> spare_;
};

}  // namespace

std::shared_ptr<Device> sat::driver::make_device(std::shared_ptr<Transport> transport, std::string_view name,
                                                 std::function<std::shared_ptr<Transport>()> spare,
                                                 std::optional<Schedule> schedule) {
  return std::make_shared<SatDevice>(std::move(transport), name, std::move(spare), std::move(schedule));
}

}  // namespace satsuma

#include "src/plugins/plugin_device.hpp"

#include <fmt/core.h>

#include "satsuma/core/allocator.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/core/parallel.hpp"
#include "satsuma/device/registry.hpp"
#include "satsuma/device/rounding.hpp"
#include "satsuma/device/sgd_rule.hpp"
#include "satsuma/device/stopwatch.hpp"
#include "src/device/lowering.hpp"
#include "src/plugins/convert.hpp"
#include "src/plugins/packed_form.hpp"

namespace satsuma::plugin_host {

namespace {

bool is_half(DType dtype) {
  return dtype == DType::bf16 || dtype == DType::f16;
}

/// A weight as a pass's function gets it; what it points to lives as long as this.
class WeightArgument {
 public:
  WeightArgument(const std::shared_ptr<const Instance>& instance, const WeightOperand& w) {
    if (w.packed) {
      packed_ = PackedForm::of(instance, *w.packed, DType::f32, false);
      weight_.packed = &packed_;
    } else {
      dense_ = to_c(*w.dense, MemoryFormat::channels_last);
      weight_.dense = &dense_;
    }
  }
  WeightArgument(const WeightArgument&) = delete;
  WeightArgument& operator=(const WeightArgument&) = delete;
  const satsuma_weight* get() const { return &weight_; }

 private:
  satsuma_tensor dense_{};
  satsuma_packed packed_{};
  satsuma_weight weight_{};
};

/// Indices are offsets into memory: a plug-in's are not trusted.
void check_indices(const PackedWeight& packed, std::string_view name) {
  const std::int64_t channels = packed.dense_shape[packed.axis == GroupAxis::input_channels ? 1 : 0];
  const std::int64_t kept = packed.kept();
  const std::int64_t lines = packed.rows() * packed.values.dim(1) * packed.values.dim(2);
  const auto* const indices = packed.indices.data<std::uint8_t>();
  parallel_for(lines, 256, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t line = begin; line < end; ++line) {
      for (std::int64_t j = 0; j < kept; ++j) {
        const std::int64_t first = j / packed.pattern.n * packed.pattern.m;
        const int index = indices[line * kept + j];
        if (index < packed.pattern.m && first + index < channels) continue;
        throw DeviceError(
            fmt::format("plug-in '{}': it packed an index of {} into a group of {} of {} channels", name,
                        index, packed.pattern.m, channels));
      }
    }
  });
}

}  // namespace

PluginDevice::PluginDevice(std::shared_ptr<const Instance> instance)
    : instance_(std::move(instance)),
      format_(format_from_c(table().activation_format)),
      cpu_(make_built_in("cpu")),
      reference_(make_built_in("reference")) {
  if (!cpu_) cpu_ = reference_;
  if (!cpu_) throw DeviceError("plug-ins need the device 'cpu' or 'reference', and neither is built in");
}

std::string PluginDevice::description() const {
  Line text;
  if (table().describe) table().describe(instance_->self(), text.text());
  const std::string line = text.str();
  return line.empty() ? fmt::format("plug-in {}", table().version) : line;
}

bool PluginDevice::lowered(Pass pass) const {
  return table().matmul &&
         ((pass == Pass::ff && !table().forward) || (pass == Pass::bp && !table().backward_data));
}

Device& PluginDevice::host(DType dtype) const {
  return dtype != DType::f32 && reference_ ? *reference_ : *cpu_;
}

Support PluginDevice::supports(const LayerPlan& plan, Pass pass) const {
  if (!is_floating(plan.dtype) || !is_floating(plan.operands)) {
    return Support::no(fmt::format("it does not compute in {}",
                                   to_string(is_floating(plan.dtype) ? plan.operands : plan.dtype)));
  }
  const auto no_function = [&](const char* name) {
    return Support::no(fmt::format("the plug-in has neither {} nor matmul", name));
  };
  if (plan[pass].gradient.pattern.shared > 1 && table().backward_weights)
    return Support::no("a plug-in samples each output channel by itself");
  if (pass == Pass::wu && !table().backward_weights) return host(plan.dtype).supports(plan, pass);
  if (pass == Pass::ff && !table().forward && !table().matmul) return no_function("forward");
  if (pass == Pass::bp && !table().backward_data && !table().matmul) return no_function("backward_data");
  if (lowered(pass)) {
    if (plan.dtype != DType::f32) return Support::no("products of matrices are in f32");
    if (plan.geometry.groups != 1) return Support::no("products of matrices have one group of channels");
    if (plan[pass].gradient.kind != OperandKind::dense)
      return Support::no("products of matrices prune weights, not gradients");
  }
  if (!table().supports) {
    if (plan.dtype != DType::f32)
      return Support::no(fmt::format("it computes in f32, not {}", to_string(plan.dtype)));
    if (is_half(plan.operands) && !lowered(pass))
      return Support::no(fmt::format("it has no products of {}", to_string(plan.operands)));
    if (plan[pass].gradient.kind != OperandKind::dense) return Support::no("it does not prune gradients");
    return {};
  }
  const satsuma_request asked = request_of(plan, pass);
  Line reason;
  try {
    if (table().supports(instance_->self(), &asked, reason.text()) != 0) return {};
  } catch (...) {
    return Support::no("an exception left its supports function");
  }
  return Support::no(reason.str());
}

void PluginDevice::count(Pass pass, const LayerPlan& plan, const Tensor& output) {
  counters_.count(pass, plan, output);
  read_counters();
}

void PluginDevice::read_counters() {
  if (!table().counters) return;
  satsuma_counters now{};
  table().counters(instance_->self(), &now);
  counters_.bytes_to_device += now.bytes_to_device - seen_.bytes_to_device;
  counters_.bytes_from_device += now.bytes_from_device - seen_.bytes_from_device;
  counters_.cycles += now.cycles - seen_.cycles;
  counters_.nanojoules += static_cast<std::int64_t>((now.joules - seen_.joules) * 1e9);
  seen_ = now;
}

void PluginDevice::multiply(Pass pass, const LayerPlan& plan, const Tensor& in, const WeightOperand& w,
                            const Tensor& bias, Tensor& out) {
  MatrixProduct product;
  Tensor dense;
  void* form = nullptr;
  if (w.packed) {
    const satsuma_packed packed = PackedForm::of(instance_, *w.packed, plan.operands, true);
    product = product_of(plan, pass, *w.packed);
    product.a = static_cast<const float*>(packed.values);
    product.indices = packed.indices;
    form = packed.form;
  } else {
    dense = weight_rows(pass, rounded(*w.dense, plan.operands));
    product = product_of(plan, pass, dense);
  }
  lower(plan.geometry, product, rounded(in, plan.operands), bias, out, [&](const MatrixProduct& part) {
    satsuma_matmul asked = to_c(part);
    asked.form = form;
    instance_->call("matmul", table().matmul, static_cast<const satsuma_matmul*>(&asked));
    synchronize();
  });
}

void PluginDevice::forward(const LayerPlan& plan, const Tensor& x, const WeightOperand& w, const Tensor& bias,
                           Tensor& y) {
  {
    const Stopwatch watch(counters_[Pass::ff].nanoseconds);
    if (lowered(Pass::ff)) {
      multiply(Pass::ff, plan, x, w, bias, y);
    } else {
      const satsuma_pass pass = pass_of(plan, Pass::ff);
      const satsuma_tensor in = to_c(x, format_), out = to_c(y, format_);
      const satsuma_tensor b = bias.defined() ? to_c(bias, MemoryFormat::row_major) : satsuma_tensor{};
      const WeightArgument weight(instance_, w);
      instance_->call("forward", table().forward, &pass, &in, weight.get(), bias.defined() ? &b : nullptr,
                      &out);
      synchronize();
    }
  }
  count(Pass::ff, plan, y);
}

void PluginDevice::backward_data(const LayerPlan& plan, const Tensor& dy, const WeightOperand& w,
                                 Tensor& dx) {
  {
    const Stopwatch watch(counters_[Pass::bp].nanoseconds);
    if (lowered(Pass::bp)) {
      multiply(Pass::bp, plan, dy, w, {}, dx);
    } else {
      const satsuma_pass pass = pass_of(plan, Pass::bp);
      const satsuma_tensor in = to_c(dy, format_), out = to_c(dx, format_);
      const WeightArgument weight(instance_, w);
      instance_->call("backward_data", table().backward_data, &pass, &in, weight.get(), &out);
      synchronize();
    }
  }
  count(Pass::bp, plan, dy);
}

void PluginDevice::backward_weights(const LayerPlan& plan, const SampleKey& key, const Tensor& x,
                                    const Tensor& dy, Tensor& dw, Tensor& dbias) {
  {
    const Stopwatch watch(counters_[Pass::wu].nanoseconds);
    if (!table().backward_weights) {
      Device& helper = host(x.dtype());
      const MemoryFormat format = helper.activation_format_of(x.dim(0));
      helper.backward_weights(plan, key, x.to(format), dy.to(format), dw, dbias);
    } else {
      satsuma_pass pass = pass_of(plan, Pass::wu);
      pass.draw = key.word();
      const satsuma_tensor in = to_c(x, format_), grad = to_c(dy, format_);
      const satsuma_tensor out = to_c(dw, MemoryFormat::channels_last);
      const satsuma_tensor b = dbias.defined() ? to_c(dbias, MemoryFormat::row_major) : satsuma_tensor{};
      instance_->call("backward_weights", table().backward_weights, &pass, &in, &grad, &out,
                      dbias.defined() ? &b : nullptr);
      synchronize();
    }
  }
  count(Pass::wu, plan, dy);
}

PackedWeight PluginDevice::compress(const Tensor& weight, GroupAxis axis, Pattern pattern) {
  const Stopwatch watch(counters_.compress_nanoseconds);
  validate(pattern);
  if (weight.rank() != 4 || !is_floating(weight.dtype())) {
    throw ShapeError(fmt::format("[compress] got {} of {}, expected a weight [K, C, R, S] of f32 or f64",
                                 to_string(weight.shape()), to_string(weight.dtype())));
  }
  if (!table().compress || pattern.shared > 1) return host(weight.dtype()).compress(weight, axis, pattern);
  PackedWeight packed = empty_packed(weight, axis, pattern);
  const Tensor dense = weight.to(MemoryFormat::channels_last);
  const satsuma_tensor in = to_c(dense, MemoryFormat::channels_last);
  const satsuma_packed out = to_c(packed);
  instance_->call("compress", table().compress, &in, &out);
  synchronize();
  check_indices(packed, name());
  return packed;
}

void PluginDevice::update(const UpdateArgs& given) {
  check_update(given);
  const auto pack = [&](PackedWeight* to, GroupAxis axis) {
    if (to) *to = compress(given.weight, axis, given.pattern);
  };
  if (!table().update || given.pattern.shared > 1) {
    {
      const Stopwatch watch(counters_.update_nanoseconds);
      host(given.weight.dtype()).update(given);
    }
    if (!table().compress || given.pattern.shared > 1) return;
    pack(given.packed_ff, GroupAxis::input_channels);
    pack(given.packed_bp, GroupAxis::output_channels);
    return;
  }
  const Stopwatch watch(counters_.update_nanoseconds);
  // A plug-in does momentum SGD. Plain SGD is what is left of any other rule once there is a direction.
  const UpdateArgs args = given.rule->sgd() ? given : descent_of(given);
  const SgdStep sgd = sgd_step(args);
  const auto tensor = [](const Tensor& t) {
    return t.defined() ? to_c(t, MemoryFormat::channels_last) : satsuma_tensor{};
  };
  const Tensor ordered = args.grad.in_layout_of(args.weight);
  const satsuma_tensor weight = tensor(args.weight), grad = tensor(ordered),
                       velocity = tensor(args.states[0]);
  PackedWeight ff, bp;
  satsuma_packed c_ff{}, c_bp{};
  satsuma_update step{};
  step.weight = &weight;
  step.grad = &grad;
  step.velocity = args.states[0].defined() ? &velocity : nullptr;
  step.lr = sgd.lr;
  step.momentum = sgd.rule.momentum;
  step.weight_decay = sgd.rule.weight_decay;
  step.decay = sgd.sr_ste;
  step.nesterov = sgd.rule.nesterov ? 1 : 0;
  step.pattern = to_c(args.pattern);
  const auto attach = [&](PackedWeight* wanted, GroupAxis axis, PackedWeight& made, satsuma_packed& c) {
    if (!wanted) return static_cast<const satsuma_packed*>(nullptr);
    made = empty_packed(args.weight, axis, args.pattern);
    c = to_c(made);
    return static_cast<const satsuma_packed*>(&c);
  };
  step.packed_ff = attach(args.packed_ff, GroupAxis::input_channels, ff, c_ff);
  step.packed_bp = attach(args.packed_bp, GroupAxis::output_channels, bp, c_bp);
  instance_->call("update", table().update, &step);
  synchronize();
  for (const auto& [wanted, made] : {std::pair(args.packed_ff, &ff), std::pair(args.packed_bp, &bp)}) {
    if (!wanted) continue;
    check_indices(*made, name());
    *wanted = std::move(*made);
  }
  read_counters();
}

std::shared_ptr<std::byte> PluginDevice::allocate(std::size_t bytes) {
  if (!table().allocate) return allocate_host(bytes);
  void* memory = nullptr;
  instance_->call("allocate", table().allocate, std::uint64_t{bytes}, &memory);
  if (memory == nullptr || reinterpret_cast<std::uintptr_t>(memory) % 64 != 0) {
    if (memory) table().deallocate(instance_->self(), memory);
    throw DeviceError(fmt::format("plug-in '{}': allocate of {} bytes gave {}", name(), bytes,
                                  memory ? "memory that is not aligned to 64 bytes" : "no memory"));
  }
  return {static_cast<std::byte*>(memory), [instance = instance_](std::byte* block) {
            instance->table().deallocate(instance->self(), block);
          }};
}

void PluginDevice::synchronize() {
  if (table().synchronize) instance_->call("synchronize", table().synchronize);
}

}  // namespace satsuma::plugin_host

#include "satsuma/device/contraction.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "satsuma/core/batch_share.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/core/no_storage.hpp"
#include "satsuma/core/profile.hpp"
#include "satsuma/device/registry.hpp"
#include "satsuma/sparse/quantised.hpp"
#include "satsuma/sparse/transposable.hpp"
#include "src/device/fallback.hpp"

namespace satsuma {

namespace {

constexpr std::array kPasses = {Pass::ff, Pass::bp, Pass::wu};

std::size_t index_of(Pass pass) {
  return static_cast<std::size_t>(pass);
}

/// The built-in device `name`, or null when this build has none of that name.
std::shared_ptr<Device> built_in(std::string_view name) {
  for (const DeviceEntry& entry : device_entries()) {
    if (entry.name == name) return find_device(name);
  }
  return nullptr;
}

/// Devices to try for a pass, best first, each once.
std::vector<std::shared_ptr<Device>> candidates(const std::shared_ptr<Device>& asked) {
  std::vector<std::shared_ptr<Device>> list;
  for (const auto& device : {asked, built_in("cpu"), built_in("reference")}) {
    if (!device) continue;
    bool listed = false;
    for (const auto& other : list) listed = listed || other == device;
    if (!listed) list.push_back(device);
  }
  return list;
}

/// Runs `f`, which has `device` work; an error of the device names the layer and what was done, a pass or the
/// update. A profile that looks at layers waits until it is done.
template <typename F>
void naming(const std::string& layer, std::string_view what, Device& device, F&& f) {
  try {
    const LayerClock clock(layer, what);
    f();
    if (clock.runs()) device.synchronize();
  } catch (const DeviceError& error) {
    throw DeviceError(fmt::format("layer '{}', {}: {}", layer, what, error.what()));
  }
}

/// An output [N, C, H, W] in the device's own memory and format.
Tensor make_output(Device& device, const Shape& shape, DType dtype) {
  const Layout layout = layout_of(shape, device.activation_format_of(shape[0]));
  if (!storage_enabled()) return Tensor::over(nullptr, shape, layout, dtype);
  const auto bytes = static_cast<std::size_t>(storage_extent(shape, layout)) * size_of(dtype);
  return Tensor::over(device.allocate(bytes), shape, layout, dtype);
}

/// Lines of groups that come before those of a gradient whose images are a share of a batch. A share that
/// does not begin with a block of sixteen has lines of its own, behind all others.
std::uint64_t lines_before(const OperandPlan& gradient, const Tensor& dy) {
  const BatchShare& share = batch_share();
  if (share.whole == 0 || gradient.kind != OperandKind::sampled || dy.numel() == 0) return 0;
  const std::int64_t blocks = share.first % kLanes == 0 ? share.first / kLanes : share.whole + share.first;
  const std::int64_t pixels = dy.numel() / (dy.dim(0) * dy.dim(1));
  const std::int64_t groups = (kLanes + gradient.pattern.m - 1) / gradient.pattern.m;
  return static_cast<std::uint64_t>(blocks * pixels * groups);
}

/// An operand as the device wants it.
Tensor in_format_of(const Device& device, const Tensor& x) {
  return x.to(device.activation_format_of(x.dim(0)));
}

/// The tensor in channels-last order, shared where it has that already, with that format's own strides on
/// axes of one element, too.
Tensor as_channels_last(const Tensor& tensor) {
  const Tensor result = tensor.to(MemoryFormat::channels_last);
  return result.view(result.shape(), layout_of(result.shape(), MemoryFormat::channels_last));
}

/// A gradient or state under the weight's shape and layout, shared where it has them already.
Tensor like_weight(const char* what, const Tensor& tensor, const Shape& shape) {
  Tensor result = tensor;
  if (!(result.shape() == shape)) {
    if (result.numel() != shape.numel()) {
      throw ShapeError(
          fmt::format("[update] got {} {}, expected {}", what, to_string(tensor.shape()), to_string(shape)));
    }
    result = result.to(MemoryFormat::row_major).reshape_view(shape);
  }
  return as_channels_last(result);
}

}  // namespace

Contraction::Contraction(std::string name, Geometry geometry, Tensor weight, const char* op)
    : plan_(geometry, DType::f32, std::move(name)), op_(op), weight_(std::move(weight)) {
  const Shape expected = geometry.weight_shape(op_);
  if (!(weight_.shape() == expected)) {
    throw ShapeError(fmt::format("[{}] got weight {}, expected {} for {}", op_, to_string(weight_.shape()),
                                 to_string(expected), to_string(geometry)));
  }
  weight_ = as_channels_last(weight_);
  plan_.dtype = weight_.dtype();
  configure({});
}

void Contraction::configure(const ContractionSettings& settings, std::string_view asked_dense) {
  if (settings.refresh_masks < 1 || (settings.refresh_masks > 1 && settings.sr_ste != 0)) {
    throw UsageError(fmt::format(
        "masks are refreshed every {} steps with an SR-STE term of {}, expected every step, or no such term",
        settings.refresh_masks, settings.sr_ste));
  }
  if (settings.sparsity.method && settings.sparsity.method->transposable && settings.sr_ste != 0) {
    throw UsageError(fmt::format(
        "method {} got an SR-STE term of {}, expected 0: that term has a mask along input channels alone",
        settings.sparsity.method->name, settings.sr_ste));
  }
  plan_ = planned(std::move(plan_), settings.sparsity, asked_dense);
  settings_ = settings;
  plan_.operands =
      settings.operands.value_or(settings.device ? settings.device->default_operands() : DType::f32);
  packed_ff_ = packed_bp_ = {};
  masked_ = {};
  quantised_packed_ = {};
  quantised_dense_ = {};
  dense_form_ = {};
  for (const Pass pass : kPasses) place(pass);
}

void Contraction::keep_dense(std::string reason) {
  plan_.keep_dense = std::move(reason);
  configure(ContractionSettings(settings_));
}

void Contraction::read_data() {
  plan_.reads_data = true;
  configure(ContractionSettings(settings_));
}

void Contraction::place(Pass pass) {
  const auto list = candidates(settings_.device);
  Fallback fallback;
  fallback.passes[index_of(pass)] = true;
  fallbacks_[index_of(pass)] = nullptr;
  for (const auto& device : list) {
    const Support support = device->supports(plan_, pass);
    if (!support) {
      fallback.refusals.push_back({std::string(device->name()), support.reason});
      if (settings_.strict) break;
      continue;
    }
    devices_[index_of(pass)] = device;
    if (fallback.refusals.empty()) return;
    fallback.runner = device->name();
    fallbacks_[index_of(pass)] = std::make_shared<Fallback>(std::move(fallback));
    return;
  }
  throw DeviceError(
      fmt::format("layer '{}': {}{}", plan_.name, list.empty() ? "this build has no device" : fallback.text(),
                  settings_.strict ? "; without --strict-device another device would run it" : ""));
}

std::int64_t Contraction::fallbacks() const {
  return std::count_if(fallbacks_.begin(), fallbacks_.end(), [](const auto& f) { return f != nullptr; });
}

std::string Contraction::fallback(Pass pass) const {
  const auto& fallback = fallbacks_[index_of(pass)];
  return fallback ? fallback->text() : "";
}

void Contraction::group_fallbacks(std::span<const std::shared_ptr<Contraction>> layers) {
  std::vector<std::shared_ptr<Fallback>> groups;
  for (const auto& layer : layers) {
    std::vector<const Fallback*> counted;
    for (const Pass pass : kPasses) {
      std::shared_ptr<Fallback>& fallback = layer->fallbacks_[index_of(pass)];
      if (!fallback) continue;
      auto group = std::find_if(groups.begin(), groups.end(),
                                [&](const auto& other) { return other->same_reason(*fallback); });
      if (group == groups.end()) {
        group = groups.insert(group, std::make_shared<Fallback>(*fallback));
        (*group)->layers = 0;
      }
      (*group)->passes[index_of(pass)] = true;
      if (std::find(counted.begin(), counted.end(), group->get()) == counted.end()) ++(*group)->layers;
      counted.push_back(group->get());
      fallback = *group;
    }
  }
}

Device& Contraction::run_on(Pass pass) {
  if (const auto& fallback = fallbacks_[index_of(pass)]) fallback->say(plan_.name);
  return device(pass);
}

const PackedWeight& Contraction::packed(Pass pass) {
  PackedWeight& packed = pre_generated(pass);
  if (!packed.values.defined()) packed = device(pass).compress(weight_, packed.axis, packed.pattern);
  return packed;
}

PackedWeight& Contraction::pre_generated(Pass pass) {
  const OperandPlan& weight = plan_[pass].weight;
  if (weight.kind != OperandKind::packed) {
    throw Error(fmt::format("layer '{}' has no packed weight in {}: {}", plan_.name, to_string(pass),
                            plan_[pass].reason));
  }
  Made<PackedWeight>& made = pass == Pass::ff ? packed_ff_ : packed_bp_;
  if (made.of.defined() && made.version == weight_.version()) return made.of;
  if (holds() && made.of.indices.defined()) {
    made.of = kept_at(weight_, made.of);
  } else if (plan_.transposable) {
    choose_transposable();
  } else {
    made.of = device(pass).compress(weight_, weight.axis, weight.pattern);
  }
  made.version = weight_.version();
  return made.of;
}

void Contraction::choose_transposable() {
  TransposableWeight both = compress_transposable(weight_, plan_[Pass::ff].weight.pattern);
  packed_ff_ = {std::move(both.ff), weight_.version()};
  // Where BP is not run nothing is packed for it.
  if (plan_[Pass::bp].weight.kind == OperandKind::packed)
    packed_bp_ = {std::move(both.bp), weight_.version()};
}

void Contraction::begin_step(std::int64_t step) {
  draw_ = step;
  if (holds() && step % settings_.refresh_masks == 0) packed_ff_ = packed_bp_ = {};
}

Contraction::Masks Contraction::masks() const {
  return holds() ? Masks{packed_ff_.of.indices, packed_bp_.of.indices} : Masks();
}

PackedWeight Contraction::positions_of(Pass pass, const Tensor& indices) const {
  const OperandPlan& weight = plan_[pass].weight;
  PackedWeight packed;
  packed.pattern = weight.pattern;
  packed.axis = weight.axis;
  packed.dense_shape = weight_.shape();
  if (weight.kind != OperandKind::packed || indices.dtype() != DType::u8 ||
      indices.shape() != packed.index_shape()) {
    throw FormatError(fmt::format("the mask of '{}' in {} is {} of {}, which is no mask of this layer",
                                  plan_.name, to_string(pass), to_string(indices.shape()),
                                  to_string(indices.dtype())));
  }
  packed.indices = indices.to(MemoryFormat::row_major);
  check_positions(packed);
  return packed;
}

void Contraction::hold(const Masks& masks) {
  if (masks.ff.defined()) packed_ff_ = {positions_of(Pass::ff, masks.ff), 0};
  if (masks.bp.defined()) packed_bp_ = {positions_of(Pass::bp, masks.bp), 0};
}

const Tensor& Contraction::masked() {
  if (!masked_.of.defined() || masked_.version != weight_.version()) {
    // What pre-generation has made for FF stays: it may be in the form of the device's kernels alone.
    const OperandPlan& weight = plan_[Pass::bp].weight;
    masked_.of = expand(holds() ? pre_generated(Pass::ff)
                                : device(Pass::ff).compress(weight_, weight.axis, weight.pattern));
    masked_.version = weight_.version();
  }
  return masked_.of;
}

WeightOperand Contraction::quantised() {
  const OperandPlan& weight = plan_[Pass::ff].weight;
  if (weight.kind == OperandKind::packed) {
    if (!quantised_packed_.of.defined() || quantised_packed_.version != weight_.version())
      quantised_packed_ = {satsuma::quantised(packed(Pass::ff), weight.bits), weight_.version()};
    return {.packed = &quantised_packed_.of};
  }
  if (!quantised_dense_.of.defined() || quantised_dense_.version != weight_.version())
    quantised_dense_ = {satsuma::quantised(weight_, weight.bits), weight_.version()};
  return {.dense = &quantised_dense_.of};
}

WeightOperand Contraction::operand(Pass pass, bool constant) {
  if (plan_[pass].weight.bits != 0) return quantised();
  switch (plan_[pass].weight.kind) {
    case OperandKind::packed:
      return {.packed = &pre_generated(pass)};
    case OperandKind::masked:
      return {.dense = &masked()};
    default:
      break;
  }
  if (dense_form_.version != weight_.version()) dense_form_ = {{}, weight_.version()};
  return {.dense = &weight_, .dense_form = constant ? &dense_form_.of : nullptr};
}

Tensor Contraction::forward(const Tensor& x, const Tensor& bias, bool constant) {
  const Shape shape = plan_.geometry.output_shape(op_, x.shape());
  if (x.dtype() != weight_.dtype()) {
    throw ShapeError(fmt::format("[{}] got an input of {}, expected {} as the weight", op_,
                                 to_string(x.dtype()), to_string(weight_.dtype())));
  }
  if (bias.defined() &&
      (!(bias.shape() == Shape{plan_.geometry.out_channels}) || bias.dtype() != weight_.dtype())) {
    throw ShapeError(fmt::format("[{}] got bias {} of {}, expected [{}] of {}", op_, to_string(bias.shape()),
                                 to_string(bias.dtype()), plan_.geometry.out_channels,
                                 to_string(weight_.dtype())));
  }
  Tensor y = make_output(device(Pass::ff), shape, x.dtype());
  if (!y.has_storage()) return y;
  Device& device = run_on(Pass::ff);
  naming(plan_.name, to_string(Pass::ff), device,
         [&] { device.forward(plan_, in_format_of(device, x), operand(Pass::ff, constant), bias, y); });
  return y;
}

Tensor Contraction::backward_data(const Tensor& dy, const Shape& input) {
  Device& device = run_on(Pass::bp);
  Tensor dx = make_output(device, input, dy.dtype());
  naming(plan_.name, to_string(Pass::bp), device,
         [&] { device.backward_data(plan_, in_format_of(device, dy), operand(Pass::bp, false), dx); });
  return dx;
}

Contraction::WeightGradient Contraction::backward_weights(const Tensor& x, const Tensor& dy, bool with_bias) {
  Device& device = run_on(Pass::wu);
  const Shape& shape = weight_.shape();
  const auto bytes = static_cast<std::size_t>(shape.numel()) * size_of(weight_.dtype());
  WeightGradient grad;
  grad.weight = Tensor::over(device.allocate(bytes), shape, layout_of(shape, MemoryFormat::channels_last),
                             weight_.dtype());
  if (with_bias) grad.bias = Tensor::empty({plan_.geometry.out_channels}, weight_.dtype());
  SampleKey key = SampleKey::of(settings_.seed, draw_, plan_.name);
  key.first_line = lines_before(plan_[Pass::wu].gradient, dy);
  naming(plan_.name, to_string(Pass::wu), device, [&] {
    device.backward_weights(plan_, key, in_format_of(device, x), in_format_of(device, dy), grad.weight,
                            grad.bias);
  });
  return grad;
}

void Contraction::update(const Tensor& grad, std::span<const Tensor> states, const UpdateRule& rule,
                         double lr) {
  const bool ff_packed = plan_[Pass::ff].weight.kind == OperandKind::packed;
  // The other device makes its own packed form when it needs one: it knows best how to arrange it.
  const bool bp_too = plan_[Pass::bp].weight.kind == OperandKind::packed &&
                      devices_[index_of(Pass::bp)] == devices_[index_of(Pass::ff)];
  UpdateArgs args;
  args.weight = weight_;
  args.grad = like_weight("gradient", grad, weight_.shape());
  for (std::size_t i = 0; i < states.size() && i < kMostStates; ++i) {
    args.states[i] = like_weight("state", states[i], weight_.shape());
    if (std::as_const(args.states[i]).raw() != states[i].raw()) {
      throw ShapeError("[update] the optimiser's state changes in place and must lie as the weight does");
    }
  }
  args.rule = &rule;
  args.lr = lr;
  args.sr_ste = ff_packed ? settings_.sr_ste : 0;
  args.pattern = settings_.sparsity.pattern;
  // The SR-STE term acts on what W_ff of the weight as it is now leaves out.
  if (args.sr_ste != 0) pre_generated(Pass::ff);
  // Positions that are held, or one for both axes, are packed when they are needed: a device chooses its own.
  args.packed_ff = ff_packed && pre_generates() ? &packed_ff_.of : nullptr;
  args.packed_bp = bp_too && pre_generates() ? &packed_bp_.of : nullptr;
  // The weight is written whatever the device says of it, and however this ends.
  weight_.raw();
  naming(plan_.name, "update", device(Pass::ff), [&] { device(Pass::ff).update(args); });
  if (!pre_generates()) return;
  packed_ff_.version = packed_bp_.version = weight_.version();
  if (!bp_too) packed_bp_ = {};
}

}  // namespace satsuma

#include "satsuma/device/contraction.hpp"

#include <fmt/format.h>

#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/device/macs.hpp"
#include "satsuma/device/registry.hpp"
#include "src/core/message.hpp"

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

/// Runs `f`; an error of a device from it names the layer and the pass.
template <typename F>
void naming(const std::string& layer, Pass pass, F&& f) {
  try {
    f();
  } catch (const DeviceError& error) {
    throw DeviceError(fmt::format("layer '{}', {}: {}", layer, to_string(pass), error.what()));
  }
}

/// An output [N, C, H, W] in the device's own memory and format.
Tensor make_output(Device& device, const Shape& shape, DType dtype) {
  const Layout layout = layout_of(shape, device.activation_format_of(shape[0]));
  const auto bytes = static_cast<std::size_t>(storage_extent(shape, layout)) * size_of(dtype);
  return Tensor::over(device.allocate(bytes), shape, layout, dtype);
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

/// A gradient or velocity under the weight's shape and layout, shared where it has them already.
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

Contraction::Contraction(std::string name, Geometry geometry, Tensor weight)
    : name_(std::move(name)), geometry_(geometry), weight_(std::move(weight)) {
  if (!(weight_.shape() == geometry_.weight_shape())) {
    throw ShapeError(fmt::format("[conv2d] got weight {}, expected {} for {}", to_string(weight_.shape()),
                                 to_string(geometry_.weight_shape()), to_string(geometry_)));
  }
  weight_ = as_channels_last(weight_);
  configure({});
}

void Contraction::configure(const ContractionPlan& plan) {
  validate(plan.pattern);
  plan_ = plan;
  operands_ = plan.operands.value_or(plan.device ? plan.device->default_operands() : DType::f32);
  weight_changed();

  const auto too_short = [&](const char* axis, std::int64_t length) {
    return length >= plan_.pattern.m ? std::string()
                                     : fmt::format("{} {} channels are fewer than a group of {}", length,
                                                   axis, to_string(plan_.pattern));
  };
  const std::string method = plan_.method ? std::string(plan_.method->name) : "dense";
  std::string whole_layer;
  if (!plan_.method || !plan_.method->sparse()) {
    whole_layer = fmt::format("method {}", method);
  } else if (plan_.pattern.dense()) {
    whole_layer = fmt::format("pattern {} keeps everything", to_string(plan_.pattern));
  } else if (!forced_dense_.empty()) {
    whole_layer = forced_dense_;
  } else if (geometry_.groups > 1) {
    whole_layer = fmt::format("{} groups of {} input channels", geometry_.groups,
                              geometry_.in_channels / geometry_.groups);
  }
  if (!whole_layer.empty()) {
    pass_reasons_.fill(whole_layer);
  } else {
    const auto decide = [&](bool pruned, const char* axis, std::int64_t length) {
      return pruned ? too_short(axis, length) : fmt::format("method {} leaves this pass dense", method);
    };
    pass_reasons_[index_of(Pass::ff)] = decide(plan_.method->ff_weight, "input", geometry_.in_channels);
    pass_reasons_[index_of(Pass::bp)] =
        decide(plan_.method->bp_weight || plan_.method->bp_gradient, "output", geometry_.out_channels);
    pass_reasons_[index_of(Pass::wu)] = decide(false, "", 0);
  }
  const std::string& ff = pass_reasons_[index_of(Pass::ff)];
  const std::string& bp = pass_reasons_[index_of(Pass::bp)];
  dense_reason_ = ff.empty() || bp.empty() ? "" : ff == bp ? ff : fmt::format("FF: {}; BP: {}", ff, bp);

  fallbacks_ = 0;
  for (const Pass pass : kPasses) place(pass);
}

void Contraction::keep_dense(std::string reason) {
  forced_dense_ = std::move(reason);
  configure(ContractionPlan(plan_));
}

bool Contraction::sparse() const {
  return dense_reason_.empty();
}

std::string Contraction::dense_reason(Pass pass) const {
  const std::string& reason = pass_reasons_[index_of(pass)];
  if (reason.empty() && pattern(pass).dense())
    return fmt::format("method {} prunes dY instead", plan_.method->name);
  return reason;
}

Pattern Contraction::pattern(Pass pass) const {
  if (pass == Pass::wu || !pass_reasons_[index_of(pass)].empty()) return {};
  const bool pruned = pass == Pass::ff ? plan_.method->ff_weight : plan_.method->bp_weight;
  return pruned ? plan_.pattern : Pattern();
}

std::int64_t Contraction::macs(Pass pass, std::int64_t out_height, std::int64_t out_width) const {
  // Pruning dY along output channels shortens the same reduction as pruning the weight along them.
  const PassRequest what = request(pass);
  return pass_macs(geometry_, pass, what.gradient.dense() ? what.weight : what.gradient, out_height,
                   out_width);
}

PassRequest Contraction::request(Pass pass) const {
  PassRequest result{pass, geometry_, pattern(pass), {}, weight_.dtype(), operands_};
  const bool decided = pass == Pass::bp && pass_reasons_[index_of(pass)].empty();
  if (decided && plan_.method->bp_gradient) result.gradient = plan_.pattern;
  return result;
}

void Contraction::place(Pass pass) {
  const auto list = candidates(plan_.device);
  const PassRequest wanted = request(pass);
  std::string& refusal = refusals_[index_of(pass)];
  refusal.clear();
  for (const auto& device : list) {
    const Support support = device->supports(wanted);
    if (!support) {
      refusal += fmt::format("{}device '{}' does not run {}: {}", refusal.empty() ? "" : "; ", device->name(),
                             to_string(pass), support.reason);
      if (plan_.strict) break;
      continue;
    }
    devices_[index_of(pass)] = device;
    if (!refusal.empty()) {
      ++fallbacks_;
      refusal += fmt::format("; it runs on '{}'", device->name());
    }
    return;
  }
  throw DeviceError(fmt::format("layer '{}': {}{}", name_,
                                list.empty() ? "this build has no device" : refusal,
                                plan_.strict ? "; without --strict-device another device would run it" : ""));
}

Device& Contraction::run_on(Pass pass) {
  std::string& refusal = refusals_[index_of(pass)];
  if (!refusal.empty()) {
    say("layer '{}': {}", name_, refusal);
    refusal.clear();
  }
  return device(pass);
}

const PackedWeight& Contraction::packed(Pass pass) {
  PackedWeight& packed = pre_generated(pass);
  if (!packed.values.defined()) packed = device(pass).compress(weight_, packed.axis, plan_.pattern);
  return packed;
}

PackedWeight& Contraction::pre_generated(Pass pass) {
  if (pattern(pass).dense()) {
    throw Error(
        fmt::format("layer '{}' has no packed weight in {}: {}", name_, to_string(pass), dense_reason(pass)));
  }
  PackedWeight& packed = pass == Pass::ff ? packed_ff_ : packed_bp_;
  if (!packed.defined()) {
    const GroupAxis axis = pass == Pass::ff ? GroupAxis::input_channels : GroupAxis::output_channels;
    packed = device(pass).compress(weight_, axis, plan_.pattern);
  }
  return packed;
}

WeightOperand Contraction::operand(Pass pass, bool constant) {
  if (pattern(pass).dense()) return {.dense = &weight_, .dense_form = constant ? &dense_form_ : nullptr};
  return {.packed = &pre_generated(pass)};
}

Tensor Contraction::forward(const Tensor& x, const Tensor& bias, bool constant) {
  const Shape shape = geometry_.output_shape("conv2d", x.shape());
  if (x.dtype() != weight_.dtype()) {
    throw ShapeError(fmt::format("[conv2d] got an input of {}, expected {} as the weight",
                                 to_string(x.dtype()), to_string(weight_.dtype())));
  }
  if (bias.defined() &&
      (!(bias.shape() == Shape{geometry_.out_channels}) || bias.dtype() != weight_.dtype())) {
    throw ShapeError(fmt::format("[conv2d] got bias {} of {}, expected [{}] of {}", to_string(bias.shape()),
                                 to_string(bias.dtype()), geometry_.out_channels,
                                 to_string(weight_.dtype())));
  }
  Device& device = run_on(Pass::ff);
  Tensor y = make_output(device, shape, x.dtype());
  naming(name_, Pass::ff,
         [&] { device.forward(spec(), in_format_of(device, x), operand(Pass::ff, constant), bias, y); });
  last_input_ = x.shape();
  last_output_ = shape;
  return y;
}

Tensor Contraction::backward_data(const Tensor& dy, const Shape& input) {
  Device& device = run_on(Pass::bp);
  Tensor dx = make_output(device, input, dy.dtype());
  naming(name_, Pass::bp,
         [&] { device.backward_data(spec(), in_format_of(device, dy), operand(Pass::bp, false), dx); });
  return dx;
}

Contraction::WeightGradient Contraction::backward_weights(const Tensor& x, const Tensor& dy, bool with_bias) {
  Device& device = run_on(Pass::wu);
  const Shape& shape = weight_.shape();
  const auto bytes = static_cast<std::size_t>(shape.numel()) * size_of(weight_.dtype());
  WeightGradient grad;
  grad.weight = Tensor::over(device.allocate(bytes), shape, layout_of(shape, MemoryFormat::channels_last),
                             weight_.dtype());
  if (with_bias) grad.bias = Tensor::empty({geometry_.out_channels}, weight_.dtype());
  naming(name_, Pass::wu, [&] {
    device.backward_weights(spec(), in_format_of(device, x), in_format_of(device, dy), grad.weight,
                            grad.bias);
  });
  return grad;
}

void Contraction::update(const Tensor& grad, const Tensor& velocity, SgdStep step) {
  const bool ff_pruned = !pattern(Pass::ff).dense();
  // The other device makes its own packed form when it needs one: it knows best how to arrange it.
  const bool bp_too =
      !pattern(Pass::bp).dense() && devices_[index_of(Pass::bp)] == devices_[index_of(Pass::ff)];
  if (step.decay == 0) step.decay = plan_.decay;
  if (!ff_pruned) step.decay = 0;
  UpdateArgs args;
  args.weight = weight_;
  args.grad = like_weight("gradient", grad, weight_.shape());
  if (velocity.defined()) {
    args.velocity = like_weight("velocity", velocity, weight_.shape());
    if (args.velocity.raw() != velocity.raw()) {
      throw ShapeError("[update] the velocity changes in place and must lie as the weight does");
    }
  }
  args.step = step;
  args.pattern = plan_.pattern;
  dense_form_ = nullptr;
  args.packed_ff = ff_pruned ? &packed_ff_ : nullptr;
  args.packed_bp = bp_too ? &packed_bp_ : nullptr;
  if (!bp_too) packed_bp_ = {};
  try {
    naming(name_, Pass::wu, [&] { device(Pass::ff).update(args); });
  } catch (...) {
    weight_changed();
    throw;
  }
}

void Contraction::weight_changed() {
  packed_ff_ = {};
  packed_bp_ = {};
  dense_form_ = nullptr;
}

}  // namespace satsuma

#include "satsuma/device/check_device.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "satsuma/core/error.hpp"

namespace satsuma {

namespace {

double largest_magnitude(const Tensor& tensor) {
  double largest = 0;
  for (const double value : tensor.to_vector<double>()) largest = std::max(largest, std::abs(value));
  return largest;
}

double epsilon(DType dtype) {
  return dtype == DType::f64 ? std::numeric_limits<double>::epsilon()
                             : static_cast<double>(std::numeric_limits<float>::epsilon());
}

/// A packed weight for both devices, each with a form of its own.
struct BothForms : DeviceForm {
  const Device* owner = nullptr;
  PackedWeight trusted;
  PackedWeight suspect;
};

class CheckDevice : public Device {
 public:
  CheckDevice(std::shared_ptr<Device> trusted, std::shared_ptr<Device> suspect)
      : trusted_(std::move(trusted)),
        suspect_(std::move(suspect)),
        name_(fmt::format("check:{},{}", trusted_->name(), suspect_->name())) {}

  std::string_view name() const override { return name_; }
  std::string description() const override {
    return fmt::format("{}; every call held against {}", trusted_->description(), suspect_->description());
  }
  MemoryFormat activation_format() const override { return trusted_->activation_format(); }
  MemoryFormat activation_format_of(std::int64_t images) const override {
    return trusted_->activation_format_of(images);
  }
  DType default_operands() const override { return trusted_->default_operands(); }
  Support supports(const LayerPlan& plan, Pass pass) const override {
    for (const auto& device : {trusted_, suspect_}) {
      const Support answer = device->supports(plan, pass);
      if (!answer) return Support::no(fmt::format("{}: {}", device->name(), answer.reason));
    }
    return {};
  }

  void forward(const LayerPlan& plan, const Tensor& x, const WeightOperand& w, const Tensor& bias,
               Tensor& y) override {
    const auto weights = both(w);
    run_trusted([&] { trusted_->forward(plan, x, weights.first, bias, y); });
    Tensor other = output(y);
    suspect_->forward(plan, for_suspect(x), weights.second, bias, other);
    suspect_->synchronize();
    const double scale = largest_magnitude(x) * largest_magnitude(w.dense ? *w.dense : w.packed->values);
    compare("Y", other, y,
            allowed(length(plan, Pass::ff, y), scale, y) +
                (bias ? largest_magnitude(bias) : 0) * 8 * epsilon(y.dtype()));
    note(Pass::ff, plan);
  }

  void backward_data(const LayerPlan& plan, const Tensor& dy, const WeightOperand& w, Tensor& dx) override {
    const auto weights = both(w);
    run_trusted([&] { trusted_->backward_data(plan, dy, weights.first, dx); });
    Tensor other = output(dx);
    suspect_->backward_data(plan, for_suspect(dy), weights.second, other);
    suspect_->synchronize();
    const double scale = largest_magnitude(dy) * largest_magnitude(w.dense ? *w.dense : w.packed->values);
    compare("dX", other, dx, allowed(length(plan, Pass::bp, dy), scale, dx));
    note(Pass::bp, plan);
  }

  void backward_weights(const LayerPlan& plan, const SampleKey& key, const Tensor& x, const Tensor& dy,
                        Tensor& dw, Tensor& dbias) override {
    run_trusted([&] { trusted_->backward_weights(plan, key, x, dy, dw, dbias); });
    Tensor other = Tensor::empty(dw.shape(), dw.dtype(), MemoryFormat::channels_last);
    Tensor other_bias = dbias.defined() ? Tensor::empty(dbias.shape(), dbias.dtype()) : Tensor();
    suspect_->backward_weights(plan, key, for_suspect(x), for_suspect(dy), other, other_bias);
    suspect_->synchronize();
    const OperandPlan& operand = plan[Pass::wu].gradient;
    // A sampled value stands for a group, of all rows that share it: it is at most the sum of that.
    const Pattern& pattern = operand.pattern;
    const double gradient = largest_magnitude(dy) * (operand.skips() ? pattern.m * pattern.shared : 1);
    const std::int64_t terms = length(plan, Pass::wu, dy);
    compare("dW", other, dw, allowed(terms, largest_magnitude(x) * gradient, dw));
    if (dbias.defined()) compare("gradient of the bias", other_bias, dbias, allowed(terms, gradient, dbias));
    note(Pass::wu, plan);
  }

  PackedWeight compress(const Tensor& weight, GroupAxis axis, Pattern pattern) override {
    PackedWeight packed;
    run_trusted([&] { packed = trusted_->compress(weight, axis, pattern); });
    const PackedWeight other = suspect_->compress(weight, axis, pattern);
    suspect_->synchronize();
    compare_packed(other, packed);
    keep_forms(packed, other);
    return packed;
  }

  void update(const UpdateArgs& args) override {
    UpdateArgs own = args, other = args;
    other.weight = args.weight.clone();
    for (Tensor& state : other.states) state = state.defined() ? state.clone() : Tensor();
    // Neither gets the other's form, and so both give values.
    PackedWeight own_ff, own_bp, ff, bp;
    if (args.packed_ff) own.packed_ff = &own_ff, other.packed_ff = &ff;
    if (args.packed_bp) own.packed_bp = &own_bp, other.packed_bp = &bp;
    const Tensor before = args.weight.clone();
    run_trusted([&] { trusted_->update(own); });
    suspect_->update(other);
    suspect_->synchronize();
    // A handful of additions of terms that are no larger than these. A rule may square the gradient.
    const double gradient = largest_magnitude(args.grad), weight = largest_magnitude(before);
    double scale = weight + gradient + largest_magnitude(args.weight);
    for (const Tensor& state : args.states) scale += state.defined() ? largest_magnitude(state) : 0;
    for (std::size_t i = 0; i < kMostStates; ++i) {
      if (!args.states[i].defined()) continue;
      const double most = scale + (args.rule->sgd() ? 0 : gradient * gradient);
      compare(i == 0 ? "first state" : "second state", other.states[i], args.states[i],
              allowed(8, most, args.weight));
    }
    compare("W", other.weight, args.weight, allowed(8, scale, args.weight));
    // Of its own weight, whose last bits may differ: a rounding may decide which of two is kept.
    if (args.packed_ff)
      compare_packed(ff, trusted_->compress(other.weight, GroupAxis::input_channels, args.pattern));
    if (args.packed_bp)
      compare_packed(bp, trusted_->compress(other.weight, GroupAxis::output_channels, args.pattern));
    for (const auto& [wanted, made, suspect] :
         {std::tuple(args.packed_ff, &own_ff, &ff), std::tuple(args.packed_bp, &own_bp, &bp)}) {
      if (!wanted) continue;
      keep_forms(*made, *suspect);
      *wanted = std::move(*made);
    }
  }

  std::shared_ptr<std::byte> allocate(std::size_t bytes) override { return trusted_->allocate(bytes); }
  void synchronize() override {
    trusted_->synchronize();
    suspect_->synchronize();
  }

  Comparison comparison() const {
    std::set<std::string_view> layers;
    for (const auto& [layer, pass] : compared_) layers.insert(layer);
    return {static_cast<std::int64_t>(layers.size()), static_cast<std::int64_t>(compared_.size()), calls_};
  }

 private:
  /// A call of the trusted device, and what it counts for it.
  template <typename F>
  void run_trusted(F&& call) {
    const Counters before = trusted_->counters();
    call();
    trusted_->synchronize();
    counters_.add(before, trusted_->counters());
  }

  /// Lets each device have what it has made of a weight in the passes to come, too. Where the optimiser's
  /// last bits differ, what the suspect has is of another weight.
  void keep_forms(PackedWeight& packed, const PackedWeight& suspect) const {
    if (packed.indices.to_vector<std::uint8_t>() != suspect.indices.to_vector<std::uint8_t>() ||
        packed.values.to_vector<double>() != suspect.values.to_vector<double>())
      return;
    const auto form = std::make_shared<BothForms>();
    form->owner = this;
    form->trusted = packed;
    form->suspect = suspect;
    packed.device_form = form;
  }

  /// Both devices agreed on a pass.
  void note(Pass pass, const LayerPlan& plan) {
    ++calls_;
    // Who calls a device directly names no layer.
    compared_.emplace(plan.name.empty() ? to_string(plan.geometry) : plan.name, pass);
  }

  Tensor for_suspect(const Tensor& x) const { return x.to(suspect_->activation_format_of(x.dim(0))); }

  Tensor output(const Tensor& like) {
    const Layout layout = layout_of(like.shape(), suspect_->activation_format_of(like.dim(0)));
    const auto bytes = static_cast<std::size_t>(storage_extent(like.shape(), layout)) * size_of(like.dtype());
    return Tensor::over(suspect_->allocate(bytes), like.shape(), layout, like.dtype());
  }

  /// The weight for each of the two.
  std::pair<WeightOperand, WeightOperand> both(const WeightOperand& w) const {
    if (w.dense) return {{.dense = w.dense}, {.dense = w.dense}};
    auto form = std::dynamic_pointer_cast<BothForms>(w.packed->device_form);
    if (!form || form->owner != this) {
      form = std::make_shared<BothForms>();
      form->owner = this;
      form->trusted = form->suspect = *w.packed;
      form->trusted.device_form = form->suspect.device_form = nullptr;
      w.packed->device_form = form;
    }
    return {{.packed = &form->trusted}, {.packed = &form->suspect}};
  }

  /// Products that an element of the result sums; `out` is the tensor on the output's side.
  static std::int64_t length(const LayerPlan& plan, Pass pass, const Tensor& out) {
    const Geometry& g = plan.geometry;
    if (pass == Pass::wu) return out.dim(0) * out.dim(2) * out.dim(3);
    return (pass == Pass::ff ? g.in_channels : g.out_channels) / g.groups * g.kernel[0] * g.kernel[1];
  }

  static double allowed(std::int64_t terms, double scale, const Tensor& result) {
    return static_cast<double>(terms + 8) * epsilon(result.dtype()) * scale;
  }

  [[noreturn]] void differ(const std::string& what) const {
    throw DeviceError(fmt::format("{} and {} differ: {}", trusted_->name(), suspect_->name(), what));
  }

  void compare(const char* what, const Tensor& got, const Tensor& expected, double tolerance) const {
    const auto a = got.to_vector<double>();
    const auto b = expected.to_vector<double>();
    double largest = -1;
    std::size_t where = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      // Where the trusted device has no number, neither has to have one.
      const bool nan = !std::isfinite(a[i]) && !std::isfinite(b[i]);
      const double difference = nan ? 0 : std::abs(a[i] - b[i]);
      if (difference <= largest) continue;  // NaN counts as larger
      largest = difference;
      where = i;
      if (std::isnan(difference)) break;
    }
    if (largest <= tolerance) return;
    Shape index = got.shape();
    auto rest = static_cast<std::int64_t>(where);
    for (int axis = index.rank() - 1; axis >= 0; --axis) {
      index[axis] = rest % got.shape()[axis];
      rest /= got.shape()[axis];
    }
    differ(fmt::format("{}{} is {:.9g} and {:.9g}, expected within {:.3g}", what, to_string(index), b[where],
                       a[where], tolerance));
  }

  void compare_packed(const PackedWeight& got, const PackedWeight& expected) const {
    const char* const which = expected.axis == GroupAxis::input_channels ? "W_ff" : "W_bp";
    const bool same_shape = got.defined() && got.pattern == expected.pattern && got.axis == expected.axis &&
                            got.values.shape() == expected.values.shape() &&
                            got.indices.shape() == expected.indices.shape();
    if (!same_shape) differ(fmt::format("packed {} has another shape", which));
    if (got.indices.to_vector<std::uint8_t>() != expected.indices.to_vector<std::uint8_t>())
      differ(fmt::format("packed {} keeps other elements", which));
    if (got.values.to_vector<double>() != expected.values.to_vector<double>())
      differ(fmt::format("packed {} has other values", which));
  }

  std::shared_ptr<Device> trusted_;
  std::shared_ptr<Device> suspect_;
  std::string name_;
  std::set<std::pair<std::string, Pass>> compared_;  ///< layers by name
  std::int64_t calls_ = 0;
};

}  // namespace

std::shared_ptr<Device> make_check_device(std::shared_ptr<Device> trusted, std::shared_ptr<Device> suspect) {
  return std::make_shared<CheckDevice>(std::move(trusted), std::move(suspect));
}

std::optional<Comparison> comparison_of(const Device& device) {
  const auto* const check = dynamic_cast<const CheckDevice*>(&device);
  return check ? std::optional(check->comparison()) : std::nullopt;
}

}  // namespace satsuma

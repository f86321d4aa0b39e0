#include "satsuma/device/update.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "satsuma/core/integer.hpp"
#include "satsuma/core/parallel.hpp"
#include "satsuma/device/sgd_rule.hpp"

namespace satsuma {

namespace {

/// Elements that a rule is given at a time: its operands stay in the first-level cache.
constexpr std::int64_t kRun = 1024;
/// Elements worth a thread.
constexpr std::int64_t kGrain = 1 << 14;

void check_operand(const char* what, const Tensor& tensor, const Tensor& weight) {
  if (!(tensor.shape() == weight.shape()) || tensor.dtype() != weight.dtype()) {
    throw ShapeError(fmt::format("[update] got {} {} of {}, expected {} of {} as the weight", what,
                                 to_string(tensor.shape()), to_string(tensor.dtype()),
                                 to_string(weight.shape()), to_string(weight.dtype())));
  }
}

/// True when equal indices are equal offsets; strides of axes with one element do not matter.
bool same_order(const Tensor& a, const Tensor& b) {
  bool same = a.lanes() == b.lanes();
  for (int i = 0; i < a.rank(); ++i) {
    same = same && (a.shape()[i] == 1 || a.layout().strides[i] == b.layout().strides[i]);
  }
  return same;
}

/// The operands of an update in one layout, as the rule takes them.
template <typename T>
class Runs {
 public:
  Runs(const UpdateArgs& args, const Tensor& mask_ff)
      : rule_(*args.rule), sr_ste_(static_cast<T>(args.sr_ste)), weight_(args.weight) {
    const Tensor& weight = args.weight;
    grad_ = args.grad.in_layout_of(weight);
    for (std::size_t i = 0; i < states_.size(); ++i) {
      Tensor state = args.states[i];
      states_[i] = state.defined() ? state.data<T>() : nullptr;
    }
    if (args.sr_ste == 0) return;
    mask_ = mask_ff.defined() ? mask_ff : mask_of(weight, GroupAxis::input_channels, args.pattern);
    check_operand("mask", mask_, weight);
    mask_ = mask_.in_layout_of(weight);
  }

  std::int64_t extent() const { return weight_.extent(); }
  T* weight() { return weight_.data<T>(); }

  /// Writes the direction of the elements from `first` on.
  void direction(std::int64_t first, std::int64_t count, T* direction) const {
    UpdateRun<T> run;
    run.count = count;
    run.weight = weight_.data<T>() + first;
    run.grad = grad_.data<T>() + first;
    for (std::size_t i = 0; i < states_.size(); ++i) {
      if (states_[i] != nullptr) run.states[i] = states_[i] + first;
    }
    run.direction = direction;
    T terms[kRun];
    if (mask_.defined()) {
      const T* const mask = mask_.data<T>() + first;
      for (std::int64_t i = 0; i < count; ++i)
        terms[i] = mask[i] != 0 ? run.grad[i] : run.grad[i] + sr_ste_ * run.weight[i];
      run.grad = terms;
    }
    rule_.direction(run);
  }

 private:
  const UpdateRule& rule_;
  T sr_ste_;
  Tensor weight_, grad_, mask_;
  std::array<T*, kMostStates> states_ = {};
};

/// Calls `visit(first, count)` for runs of [0, extent), in parallel.
template <typename F>
void for_runs(std::int64_t extent, F&& visit) {
  parallel_for(extent, kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t first = begin; first < end; first += kRun) visit(first, std::min(kRun, end - first));
  });
}

/// Root of the sum of squares, summed in double and in an order that no number of threads changes.
double norm_of(const Tensor& tensor) {
  return dispatch_real("norm", tensor.dtype(), [&](auto element) {
    const auto* const values = tensor.data<decltype(element)>();
    const std::int64_t extent = tensor.extent();
    std::vector<double> sums(static_cast<std::size_t>(ceil_div(extent, kRun)));
    parallel_for(static_cast<std::int64_t>(sums.size()), kGrain / kRun,
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t s = begin; s < end; ++s) {
                     double sum = 0;
                     for (std::int64_t i = s * kRun; i < std::min((s + 1) * kRun, extent); ++i)
                       sum += static_cast<double>(values[i]) * static_cast<double>(values[i]);
                     sums[static_cast<std::size_t>(s)] = sum;
                   }
                 });
    double sum = 0;
    for (const double part : sums) sum += part;
    return std::sqrt(sum);
  });
}

void check_places(const UpdateArgs& args) {
  check_update(args);
  bool fits = args.weight.is_dense();
  for (const Tensor& state : args.states) fits = fits && (!state.defined() || same_order(state, args.weight));
  if (!fits)
    throw ShapeError("[update] weight and states are written in place and must share one dense layout");
}

}  // namespace

void check_update(const UpdateArgs& args) {
  if (args.rule == nullptr) throw ShapeError("[update] got no rule, expected what the step is to do");
  check_operand("gradient", args.grad, args.weight);
  for (std::size_t i = 0; i < args.states.size(); ++i) {
    const bool expected = i < args.rule->states();
    if (args.states[i].defined() != expected) {
      throw ShapeError(fmt::format("[update] got {} for state {}, expected {}",
                                   expected ? "none" : "a tensor", i,
                                   expected ? "one like the weight" : "none"));
    }
    if (expected) check_operand("state", args.states[i], args.weight);
  }
}

void apply_update(const UpdateArgs& args, const Tensor& mask_ff) {
  if (args.rule != nullptr && args.rule->layerwise()) return apply_update(descent_of(args, mask_ff));
  check_places(args);
  dispatch_real("update", args.weight.dtype(), [&](auto element) {
    using T = decltype(element);
    Runs<T> runs(args, mask_ff);
    T* const weight = runs.weight();
    const T lr = static_cast<T>(args.lr);
    for_runs(runs.extent(), [&](std::int64_t first, std::int64_t count) {
      T direction[kRun];
      runs.direction(first, count, direction);
      for (std::int64_t i = 0; i < count; ++i) weight[first + i] -= lr * direction[i];
    });
  });
}

UpdateArgs descent_of(const UpdateArgs& args, const Tensor& mask_ff) {
  static const SgdRule kPlain;
  check_places(args);
  UpdateArgs descent = args;
  // With the weight's own strides on axes of one element, too.
  descent.grad = Tensor::empty_like(args.weight).view(args.weight.shape(), args.weight.layout());
  dispatch_real("update", args.weight.dtype(), [&](auto element) {
    using T = decltype(element);
    const Runs<T> runs(args, mask_ff);
    T* const direction = descent.grad.data<T>();
    for_runs(runs.extent(), [&](std::int64_t first, std::int64_t count) {
      runs.direction(first, count, direction + first);
    });
  });
  if (args.rule->layerwise()) descent.lr *= args.rule->trust(norm_of(args.weight), norm_of(descent.grad));
  descent.states = {};
  descent.rule = &kPlain;
  descent.sr_ste = 0;
  return descent;
}

}  // namespace satsuma

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "satsuma/core/tensor.hpp"
#include "satsuma/sparse/packed.hpp"
#include "satsuma/sparse/pattern.hpp"

namespace satsuma {

class SgdRule;

/// Most tensors of state that a rule keeps for a parameter.
inline constexpr std::size_t kMostStates = 2;

/// Neighbouring elements of a parameter, for UpdateRule::direction().
template <typename T>
struct UpdateRun {
  std::int64_t count = 0;
  const T* weight = nullptr;
  const T* grad = nullptr;                  ///< g', see UpdateArgs
  std::array<T*, kMostStates> states = {};  ///< change in place; null beyond UpdateRule::states()
  T* direction = nullptr;                   ///< where u goes; no other operand lies there
};

/// What an optimiser does to a parameter in one step: from gradient, weight and its own state, which it
/// advances, it computes the direction u; the step is always W <- W - lr * u. A rule works element by
/// element, so that whoever runs it may cut a tensor into runs as it likes and gets the same bits.
class UpdateRule {
 public:
  virtual ~UpdateRule() = default;

  /// Tensors of state, 0 to kMostStates, zero before the first step.
  virtual std::size_t states() const = 0;
  virtual void direction(const UpdateRun<float>& run) const = 0;
  virtual void direction(const UpdateRun<double>& run) const = 0;

  /// True where the learning rate of a parameter depends on the whole of it: the step is then
  /// W <- W - lr * trust(||W||, ||u||) * u.
  virtual bool layerwise() const { return false; }
  virtual double trust(double weight_norm, double direction_norm) const {
    static_cast<void>(weight_norm);
    static_cast<void>(direction_norm);
    return 1;
  }

  /// The rule as momentum SGD, where it is that: for devices that have a unit for it. Null otherwise.
  virtual const SgdRule* sgd() const { return nullptr; }
};

/// Makes both versions of a rule of the template `void run(const UpdateRun<T>&) const` of Rule.
template <typename Rule>
class RuleOf : public UpdateRule {
 public:
  void direction(const UpdateRun<float>& run) const final { static_cast<const Rule&>(*this).run(run); }
  void direction(const UpdateRun<double>& run) const final { static_cast<const Rule&>(*this).run(run); }
};

/// Operands of Device::update. All tensors share one dense layout; weight and states change in place.
///
/// The gradient that the rule sees has the SR-STE term (arXiv 2102.04010) in it already:
///   g' = g + sr_ste * W  where W_ff of the weight before the step leaves an element out,  g' = g  elsewhere.
///
/// A packed weight that comes in with a device_form may leave with only that (see PackedWeight::source); one
/// without gets its values and indices.
struct UpdateArgs {
  Tensor weight;
  Tensor grad;
  std::array<Tensor, kMostStates> states = {};  ///< undefined beyond rule->states()
  const UpdateRule* rule = nullptr;             ///< lives during the call
  double lr = 0;
  double sr_ste = 0;                  ///< lambda; 0 where FF multiplies with the dense weight
  Pattern pattern = {};               ///< of both packed forms
  PackedWeight* packed_ff = nullptr;  ///< pre-generated for the next FF where set
  PackedWeight* packed_bp = nullptr;  ///< pre-generated for the next BP where set
};

/// Throws ShapeError unless there is a rule, and gradient and states have the weight's shape and dtype and
/// the states are as many as the rule's.
void check_update(const UpdateArgs& args);

/// The step on tensors in host memory, in their own precision; packed weights are left to the caller. The
/// gradient may have another layout than the weight. `mask_ff` has ones where W_ff keeps an element; it is
/// made here (slowly, by mask_of()) where it is undefined and needed. Throws ShapeError as check_update(),
/// and where weight and states do not share one dense layout.
void apply_update(const UpdateArgs& args, const Tensor& mask_ff = {});

/// The same step for a device that knows W <- W - lr * u alone: the direction is computed here, which
/// advances the states, and takes the gradient's place under plain SGD, without states and SR-STE term.
UpdateArgs descent_of(const UpdateArgs& args, const Tensor& mask_ff = {});

}  // namespace satsuma

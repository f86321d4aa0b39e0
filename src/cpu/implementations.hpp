#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "satsuma/core/tensor.hpp"
#include "satsuma/device/device.hpp"
#include "src/cpu/passes.hpp"
#include "src/cpu/weight_gradient.hpp"

namespace satsuma::cpu {

/// What decides how a pass is computed, besides the instruction set at hand.
struct Site {
  const LayerPlan& plan;
  bool channels_last = false;      ///< activations; otherwise they are batch-blocked
  std::optional<Pattern> nm = {};  ///< of the weight, where it is packed
  SumOrder order = {};
};

/// An implementation that was asked to run a pass.
struct Choice {
  std::string_view name;
  std::string_view refusal;  ///< why not; empty where it runs the pass
};
/// All that are asked, in their order: the last one runs the pass.
std::vector<Choice> choices(Pass pass, const Site& site);

/// The passes, dense or N:M, on f32 activations in either format of device `cpu`; shapes as in Device. Each
/// is run by the first of a list of implementations that does not refuse it. An order of sums other than ours
/// is for batch-blocked activations and operands of f32.
void forward(const LayerPlan& plan, const Tensor& x, const WeightOperand& w, const Tensor& bias, Tensor& y,
             const SumOrder& order = {});
void backward_data(const LayerPlan& plan, const Tensor& dy, const WeightOperand& w, Tensor& dx,
                   const SumOrder& order = {});
/// `key` decides the choice where the plan has a sampled dY.
void weight_gradient(const LayerPlan& plan, const SampleKey& key, const Tensor& x, const Tensor& dy,
                     Tensor& dw, const GradientOrder& order = {});

}  // namespace satsuma::cpu

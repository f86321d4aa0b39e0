#pragma once

#include <cstddef>
#include <vector>

#include "satsuma/nn/module.hpp"
#include "satsuma/sparse/pattern.hpp"
#include "satsuma/train/experiment.hpp"
#include "satsuma/train/recipe.hpp"

namespace satsuma::train {

/// What a layer takes and loses under one pattern.
struct PatternCost {
  Pattern pattern;
  double macs = 0;  ///< multiply-adds of its passes
  double loss = 0;  ///< what pruning to it costs, 0 where the layer stays dense
};

/// One pattern for each layer, as an index into its costs, so that multiply-adds add up to at most `budget`
/// and losses to little: layers begin with the fewest multiply-adds, and the step to another pattern that
/// saves the most loss for a multiply-add is taken as long as one fits. Along the lower convex hulls of the
/// layers, which is what a Lagrangian finds, the sum is the least for what it takes; what is left is filled
/// with steps that fit. Ties go to the first layer and pattern. Throws UsageError where not even the fewest
/// multiply-adds fit, saying how many these are.
std::vector<std::size_t> choose_patterns(const std::vector<std::vector<PatternCost>>& layers, double budget);

/// Candidates for --budget-macs: N = 1, 2, 4, ... below M of `pattern`, and M:M, dense; fewest first.
std::vector<Pattern> budget_patterns(Pattern pattern);

/// (w * g)^2 of each weight of each contraction, in the order of Module::contractions(): to first order the
/// square of what the loss changes by when that weight is zero (Molchanov et al., arXiv 1906.10771, equation
/// 8; |w * g|, its root, is SNIP's, arXiv 1810.02340). g is the mean gradient of the first batches of the
/// training set, computed dense and in fp32 on `cpu`. The model is left with its weights, buffers and
/// generators as they were, and with layers that are to be configured.
std::vector<Tensor> weight_saliency(const Recipe& recipe, nn::Module& model, const ExperimentData& data);

/// The sum of `saliency` [K, C, R, S] over what W_ff leaves out, and over what W_bp does, where `plan` packs
/// them: first-order loss of pruning `weight`.
double pruning_loss(const LayerPlan& plan, const Tensor& weight, const Tensor& saliency);

}  // namespace satsuma::train

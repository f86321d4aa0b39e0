#include "satsuma/train/pattern_budget.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "satsuma/core/error.hpp"
#include "satsuma/data/loader.hpp"
#include "satsuma/sparse/transposable.hpp"
#include "satsuma/train/loading.hpp"
#include "src/train/class_weights.hpp"
#include "src/train/restored.hpp"
#include "src/train/step.hpp"

namespace satsuma::train {

namespace {

/// Batches whose mean gradient ranks weights.
constexpr std::int64_t kBatches = 8;

double sum_of(const Tensor& tensor) {
  double sum = 0;
  for (const double value : tensor.to_vector<double>()) sum += value;
  return sum;
}

/// (w * g)^2 under the shape and layout of the weight [K, C, R, S]; zeros without a gradient.
Tensor squared_products(const Tensor& weight, const Tensor& grad) {
  Tensor result = Tensor::empty_like(weight);
  result.fill(0);
  if (!grad.defined()) return result;
  const Tensor given =
      grad.shape() == weight.shape() ? grad : grad.to(MemoryFormat::row_major).reshape_view(weight.shape());
  const Tensor same = given.in_layout_of(weight);
  dispatch_real("weight_saliency", weight.dtype(), [&](auto element) {
    using T = decltype(element);
    const T* const w = weight.data<T>();
    const T* const g = same.data<T>();
    T* const to = result.data<T>();
    for (std::int64_t i = 0; i < result.extent(); ++i) to[i] = w[i] * g[i] * w[i] * g[i];
  });
  return result;
}

/// A step of one layer to another of its patterns.
struct Change {
  std::size_t layer;
  std::size_t to;
  double macs;
  double rate;  ///< loss that a multiply-add saves
};

/// The best change that fits into `room`.
std::optional<Change> best_change(const std::vector<std::vector<PatternCost>>& layers,
                                  const std::vector<std::size_t>& chosen, double room) {
  std::optional<Change> best;
  for (std::size_t layer = 0; layer < layers.size(); ++layer) {
    const PatternCost& now = layers[layer][chosen[layer]];
    for (std::size_t to = 0; to < layers[layer].size(); ++to) {
      const PatternCost& next = layers[layer][to];
      const double macs = next.macs - now.macs;
      if (macs <= 0 || macs > room || next.loss >= now.loss) continue;
      const double rate = (now.loss - next.loss) / macs;
      if (!best || rate > best->rate) best = Change{layer, to, macs, rate};
    }
  }
  return best;
}

}  // namespace

std::vector<std::size_t> choose_patterns(const std::vector<std::vector<PatternCost>>& layers, double budget) {
  std::vector<std::size_t> chosen;
  double macs = 0;
  for (const std::vector<PatternCost>& costs : layers) {
    const auto least = std::min_element(costs.begin(), costs.end(), [](const auto& a, const auto& b) {
      return a.macs != b.macs ? a.macs < b.macs : a.loss < b.loss;
    });
    chosen.push_back(static_cast<std::size_t>(least - costs.begin()));
    macs += least->macs;
  }
  if (macs > budget) {
    throw UsageError(
        fmt::format("a budget of {:.0f} multiply-adds, but the sparsest patterns take {:.0f}; give a larger "
                    "--budget-macs, "
                    "or --wu N:M, which shrinks the weight gradient",
                    budget, macs));
  }
  while (const std::optional<Change> change = best_change(layers, chosen, budget - macs)) {
    chosen[change->layer] = change->to;
    macs += change->macs;
  }
  return chosen;
}

std::vector<Pattern> budget_patterns(Pattern pattern) {
  std::vector<Pattern> patterns;
  for (int n = 1; n < pattern.m; n *= 2) patterns.push_back({n, pattern.m, pattern.shared});
  patterns.push_back({pattern.m, pattern.m, pattern.shared});
  return patterns;
}

std::vector<Tensor> weight_saliency(const Recipe& recipe, nn::Module& model, const ExperimentData& data) {
  LayerOptions dense = recipe.layer_options();
  dense.method = "dense";
  dense.wu = {};
  dense.bp_weight = {};
  dense.ff_bits = 0;
  dense.sr_ste = 0;
  dense.nm_for.clear();
  dense.device = "cpu";
  dense.placements.clear();
  dense.operands = DType::f32;
  configure_layers(model, dense);

  const Restored restored(model);
  data::Loader loader(data.train, data.normalisation, training_options(recipe, data));
  optim::Optimizer optimizer(optim::find_optimizer(recipe.optimizer), model.parameters(),
                             recipe.optimizer_settings());
  Step step(recipe, model, optimizer, class_weights_of(recipe.class_weights, *data.train, data.classes));
  const std::int64_t batches = std::min(kBatches, loader.batches_per_epoch());
  model.train();
  loader.start(0);
  step.begin(0, batches);
  data::Batch batch;
  for (std::int64_t i = 0; i < batches && loader.next(batch); ++i) {
    step.forward(batch, i);
    step.backward({});
  }
  std::vector<Tensor> saliency;
  for (const auto& layer : model.contractions()) {
    for (const nn::Parameter& parameter : model.parameters()) {
      if (parameter.contraction == layer)
        saliency.push_back(squared_products(layer->weight(), parameter.value.grad()));
    }
  }
  optimizer.zero_grad();
  return saliency;
}

double pruning_loss(const LayerPlan& plan, const Tensor& weight, const Tensor& saliency) {
  const double total = sum_of(saliency);
  double loss = 0;
  for (const Pass pass : {Pass::ff, Pass::bp}) {
    const OperandPlan& operand = plan[pass].weight;
    if (operand.kind != OperandKind::packed) continue;
    if (plan.transposable) {
      const TransposableWeight both = compress_transposable(weight, operand.pattern);
      loss += total - sum_of(kept_at(saliency, pass == Pass::ff ? both.ff : both.bp).values);
    } else {
      loss +=
          total - sum_of(kept_at(saliency, compress_reference(weight, operand.axis, operand.pattern)).values);
    }
  }
  // What is left of a difference may be below zero.
  return std::max(loss, 0.0);
}

}  // namespace satsuma::train

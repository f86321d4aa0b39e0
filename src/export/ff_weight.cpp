#include "satsuma/export/ff_weight.hpp"

#include "satsuma/sparse/packed.hpp"

namespace satsuma::exports {

Tensor ff_weight(Contraction& layer) {
  const OperandPlan& plan = layer.plan()[Pass::ff].weight;
  return plan.kind == OperandKind::packed ? expand(layer.packed(Pass::ff)) : layer.weight().detach();
}

std::map<std::string, Tensor> pruned_weights(const nn::Module& model) {
  std::map<std::string, Tensor> weights;
  for (const nn::Parameter& parameter : model.parameters()) {
    if (!parameter.contraction || !parameter.contraction->plan()[Pass::ff].weight.skips()) continue;
    const Tensor whole = ff_weight(*parameter.contraction).to(MemoryFormat::row_major);
    weights.emplace(parameter.name, whole.reshape_view(parameter.value.shape()));
  }
  return weights;
}

}  // namespace satsuma::exports

#include "tools/satsuma/layers.hpp"

#include <unordered_map>
#include <unordered_set>

#include "satsuma/autograd/node.hpp"

namespace satsuma::tools {

namespace {

/// For each weight that `output` was made with: whether the operation that took it needs the gradient of its
/// input. By the convention of ops/convolution.hpp that is the operation's first input.
std::unordered_map<const AutogradMeta*, bool> needs_input_gradient(const Tensor& output) {
  std::unordered_map<const AutogradMeta*, bool> found;
  if (!output.autograd() || !output.autograd()->node) return found;
  std::vector<const Node*> stack = {output.autograd()->node.get()};
  std::unordered_set<const Node*> seen(stack.begin(), stack.end());
  while (!stack.empty()) {
    const auto& inputs = stack.back()->inputs();
    stack.pop_back();
    for (const auto& input : inputs) {
      if (!input) continue;
      if (!input->node) {
        found[input.get()] = found[input.get()] || inputs.front() != nullptr;
      } else if (seen.insert(input->node.get()).second) {
        stack.push_back(input->node.get());
      }
    }
  }
  return found;
}

}  // namespace

PassMacs Layer::macs() const {
  const auto count = [&](Pass pass) { return contraction->macs(pass, output[1], output[2]); };
  return {count(Pass::ff), has_bp ? count(Pass::bp) : 0, count(Pass::wu)};
}

PassMacs Layer::dense_macs() const {
  const std::int64_t one = contraction->geometry().dense_macs(output[1], output[2]);
  return {one, has_bp ? one : 0, one};
}

std::vector<Layer> trace_layers(nn::Module& model, const Shape& input) {
  const bool training = model.training();
  model.train(false);
  const Tensor image =
      Tensor::zeros({1, input[0], input[1], input[2]}, DType::f32, MemoryFormat::batch_blocked);
  const auto needed = needs_input_gradient(model(image));
  model.train(training);

  std::vector<Layer> layers;
  for (const nn::Parameter& parameter : model.parameters()) {
    if (!parameter.contraction) continue;
    const auto found = needed.find(parameter.value.autograd().get());
    if (found == needed.end()) continue;
    const Shape& input_of = parameter.contraction->last_input();
    const Shape& output = parameter.contraction->last_output();
    layers.push_back({parameter.contraction,
                      {input_of[1], input_of[2], input_of[3]},
                      {output[1], output[2], output[3]},
                      found->second});
  }
  return layers;
}

}  // namespace satsuma::tools

#include "tools/satsuma/layers.hpp"

#include "satsuma/nn/trace.hpp"

namespace satsuma::tools {

namespace {

/// [N, C, H, W] or [N, C] or [N, T, C] without the batch, as the image [C, H, W] that a contraction sees.
Shape image_of(const Shape& shape) {
  if (shape.rank() == 4) return {shape[1], shape[2], shape[3]};
  if (shape.rank() == 3) return {shape[2], 1, shape[1]};
  return {shape[1], 1, 1};
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
  const Trace trace = nn::trace(model, {1, input[0], input[1], input[2]});
  std::vector<Layer> layers;
  for (const nn::Parameter& parameter : model.parameters()) {
    if (!parameter.contraction) continue;
    const int weight = trace.find(parameter.value);
    for (const Trace::Op& op : trace.ops()) {
      if (op.inputs.size() < 2 || op.inputs[1] != weight) continue;
      const Trace::Value& image = trace.value(op.inputs[0]);
      layers.push_back({parameter.contraction, image_of(image.tensor.shape()),
                        image_of(trace.value(op.output).tensor.shape()), image.needs_grad});
    }
  }
  return layers;
}

}  // namespace satsuma::tools

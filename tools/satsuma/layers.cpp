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
  // Images are kept by blocks of sixteen where dY is sampled.
  const auto count = [&](Pass pass) {
    return pass_macs(contraction->plan(), pass, kLanes, output[1], output[2]) / kLanes;
  };
  return {count(Pass::ff), count(Pass::bp), count(Pass::wu)};
}

PassMacs Layer::dense_macs() const {
  const auto count = [&](Pass pass) {
    return dense_pass_macs(contraction->plan(), pass, 1, output[1], output[2]);
  };
  return {count(Pass::ff), count(Pass::bp), count(Pass::wu)};
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
                        image_of(trace.value(op.output).tensor.shape())});
    }
  }
  return layers;
}

}  // namespace satsuma::tools

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

template <typename Count>
PassMacs Layer::of_passes(const Count& count) const {
  return {count(Pass::ff) * (recomputed ? 2 : 1), passes_back ? count(Pass::bp) : 0,
          trained ? count(Pass::wu) : 0};
}

PassMacs Layer::macs() const {
  // Images are kept by blocks of sixteen where dY is sampled.
  return of_passes(
      [&](Pass pass) { return pass_macs(contraction->plan(), pass, kLanes, output[1], output[2]) / kLanes; });
}

PassMacs Layer::dense_macs() const {
  return of_passes(
      [&](Pass pass) { return dense_pass_macs(contraction->plan(), pass, 1, output[1], output[2]); });
}

std::vector<Layer> trace_layers(nn::Module& model, const Shape& input) {
  return layers_of(model, nn::trace(model, {1, input[0], input[1], input[2]}));
}

std::vector<Layer> layers_of(const nn::Module& model, const Trace& trace) {
  std::vector<Layer> layers;
  for (const nn::Parameter& parameter : model.parameters()) {
    if (!parameter.contraction) continue;
    const int weight = trace.find(parameter.value);
    for (const Trace::Op& op : trace.ops()) {
      if (op.inputs.size() < 2 || op.inputs[1] != weight) continue;
      const Trace::Value& image = trace.value(op.inputs[0]);
      layers.push_back({parameter.contraction, image_of(image.tensor.shape()),
                        image_of(trace.value(op.output).tensor.shape()), parameter.value.requires_grad(),
                        image.needs_grad, op.checkpoint >= 0});
    }
  }
  return layers;
}

}  // namespace satsuma::tools

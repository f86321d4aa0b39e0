#include "tools/satsuma/layers.hpp"

#include "satsuma/device/plan.hpp"

namespace satsuma::tools {

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
  const bool training = model.training();
  model.train(false);
  const Tensor image =
      Tensor::zeros({1, input[0], input[1], input[2]}, DType::f32, MemoryFormat::batch_blocked);
  model(image);
  model.train(training);

  std::vector<Layer> layers;
  for (const nn::Parameter& parameter : model.parameters()) {
    if (!parameter.contraction) continue;
    const Shape& input_of = parameter.contraction->last_input();
    const Shape& output = parameter.contraction->last_output();
    if (output.rank() == 0) continue;
    layers.push_back({parameter.contraction,
                      {input_of[1], input_of[2], input_of[3]},
                      {output[1], output[2], output[3]}});
  }
  return layers;
}

}  // namespace satsuma::tools

// What a model makes of images under weights of another program: the other half of
// tools/crosscheck/pretrained.py.
//   logits MODEL STEM CLASSES WIDTH WEIGHTS IMAGES OUT
// IMAGES is a safetensors file with `images` [N, C, H, W], OUT one with `logits` [N, classes]. What is done
// to the weights so that they fit is written to standard output.

#include <cstdio>
#include <cstdlib>
#include <exception>

#include "models/registry.hpp"
#include "satsuma/autograd/node.hpp"
#include "satsuma/train/fit_weights.hpp"
#include "satsuma/train/safetensors.hpp"

int main(int count, char** arguments) try {
  using namespace satsuma;
  if (count != 8) {
    std::fputs("usage: logits MODEL STEM CLASSES WIDTH WEIGHTS IMAGES OUT\n", stderr);
    return 2;
  }
  const Tensor images = train::read_safetensors(arguments[6]).tensors.at("images");
  models::Options options;
  options.input = {images.dim(1), images.dim(2), images.dim(3)};
  options.stem = models::parse_stem(arguments[2]);
  options.classes = std::atoi(arguments[3]);
  options.width = std::atof(arguments[4]);
  Rng rng(0);
  const auto model = models::find(arguments[1]).create(options, rng);
  train::Checkpoint checkpoint = train::load_checkpoint(arguments[5]);
  for (const std::string& done : train::fit_weights(checkpoint, *model, false)) std::puts(done.c_str());
  for (const std::string& left : train::restore(checkpoint, *model)) std::printf("left: %s\n", left.c_str());
  model->train(false);
  const NoGrad no_grad;
  const Tensor logits = (*model)(images.to(MemoryFormat::batch_blocked));
  const nn::NamedTensor result[] = {{"logits", logits}};
  train::write_safetensors(arguments[7], result);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "logits: %s\n", error.what());
  return 1;
}

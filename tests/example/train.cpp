// A program that uses an installed libsatsuma: trains ResNet-20 on generated images with 2:8 BDWP.
#include <cstdio>
#include <satsuma/autograd/backward.hpp>
#include <satsuma/data/loader.hpp>
#include <satsuma/datasets/registry.hpp>
#include <satsuma/models/registry.hpp>
#include <satsuma/ops/cross_entropy.hpp>
#include <satsuma/optim/optimizer.hpp>
#include <satsuma/train/placement.hpp>

int main() try {
  using namespace satsuma;
  const datasets::Entry& entry = datasets::find("synthetic");
  datasets::Options images;
  images.input = {3, 16, 16};
  data::Loader loader(entry.load(images).train, entry.normalisation, {.batch_size = 64});

  Rng rng(0);
  const auto model = models::find("resnet20").create({.input = images.input}, rng);
  train::configure_layers(*model, {.method = "bdwp", .pattern = {2, 8}});
  optim::Optimizer sgd(optim::find_optimizer("sgd"), model->parameters(),
                       {.momentum = 0.9, .weight_decay = 5e-4});

  data::Batch batch;
  loader.start(0);
  for (int step = 0; step < 10 && loader.next(batch); ++step) {
    sgd.zero_grad();
    const Tensor loss = ops::cross_entropy((*model)(batch.images), batch.labels);
    backward(loss);
    sgd.step(0.05);
    std::printf("step %d loss %.4f\n", step, loss.item());
  }
} catch (const satsuma::Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}

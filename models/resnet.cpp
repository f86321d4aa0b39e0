#include "models/resnet.hpp"

#include "satsuma/core/error.hpp"
#include "satsuma/ops/pool.hpp"
#include "satsuma/ops/shape.hpp"

namespace satsuma::models {

ResNet::ResNet(const std::vector<std::int64_t>& channels, int blocks_per_stage, Stem stem,
               const Options& options, Rng& rng)
    : stem_(stem) {
  std::int64_t inputs = scaled(channels.front(), options.width);
  const bool imagenet = stem == Stem::imagenet;
  conv1_ = add("conv1", same_convolution(options.input[0], inputs, imagenet ? 7 : 3, imagenet ? 2 : 1, rng));
  conv1_->contraction()->keep_dense(kFirstConvolution);
  bn1_ = add("bn1", std::make_shared<nn::BatchNorm2d>(inputs));
  for (std::size_t i = 0; i < channels.size(); ++i) {
    const std::int64_t outputs = scaled(channels[i], options.width);
    stages_.push_back(add("layer" + std::to_string(i + 1), std::make_shared<nn::Sequential>()));
    for (int block = 0; block < blocks_per_stage; ++block) {
      const std::int64_t stride = i > 0 && block == 0 ? 2 : 1;
      stages_.back()->append(std::make_shared<BasicBlock>(inputs, outputs, stride, rng));
      inputs = outputs;
    }
  }
  fc_ = add("fc", std::make_shared<nn::Linear>(inputs, options.classes, rng));
}

Tensor ResNet::forward(const Tensor& x) {
  Tensor y = bn1_->relu((*conv1_)(x));
  if (stem_ == Stem::imagenet) y = ops::max_pool(y, {.kernel = {3, 3}, .stride = {2, 2}, .padding = {1, 1}});
  for (const auto& stage : stages_) y = (*stage)(y);
  return (*fc_)(ops::flatten(ops::adaptive_average_pool(y, 1, 1)));
}

std::shared_ptr<nn::Module> create_resnet18(const Options& options, Rng& rng) {
  return std::make_shared<ResNet>(std::vector<std::int64_t>{64, 128, 256, 512}, 2, options.stem, options,
                                  rng);
}

std::shared_ptr<nn::Module> create_resnet20(const Options& options, Rng& rng) {
  if (options.stem != Stem::cifar) throw UsageError("resnet20 has the stem 'cifar' only; resnet18 has both");
  return std::make_shared<ResNet>(std::vector<std::int64_t>{16, 32, 64}, 3, Stem::cifar, options, rng);
}

}  // namespace satsuma::models

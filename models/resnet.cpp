#include "models/resnet.hpp"

#include "models/bottleneck.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/ops/pool.hpp"
#include "satsuma/ops/shape.hpp"

namespace satsuma::models {

ResNet::ResNet(const BlockKind& kind, const std::vector<Stage>& stages, const Options& options, Rng& rng)
    : stem_(options.stem) {
  std::int64_t inputs = scaled(stages.front().channels, options.width);
  const bool imagenet = stem_ == Stem::imagenet;
  conv1_ = add("conv1", same_convolution(options.input[0], inputs, imagenet ? 7 : 3, imagenet ? 2 : 1, rng));
  conv1_->contraction()->keep_dense(kFirstConvolution);
  conv1_->contraction()->read_data();
  bn1_ = add("bn1", std::make_shared<nn::BatchNorm2d>(inputs));
  for (std::size_t i = 0; i < stages.size(); ++i) {
    const std::int64_t channels = scaled(stages[i].channels, options.width);
    stages_.push_back(add("layer" + std::to_string(i + 1), std::make_shared<nn::Sequential>()));
    for (int block = 0; block < stages[i].blocks; ++block) {
      const std::int64_t stride = i > 0 && block == 0 ? 2 : 1;
      stages_.back()->append(kind.create(inputs, channels, stride, rng));
      inputs = kind.expansion * channels;
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
  const std::vector<Stage> stages = {{64, 2}, {128, 2}, {256, 2}, {512, 2}};
  return std::make_shared<ResNet>(blocks_of<BasicBlock>(), stages, options, rng);
}

std::shared_ptr<nn::Module> create_resnet50(const Options& options, Rng& rng) {
  const std::vector<Stage> stages = {{64, 3}, {128, 4}, {256, 6}, {512, 3}};
  return std::make_shared<ResNet>(blocks_of<Bottleneck>(), stages, options, rng);
}

std::shared_ptr<nn::Module> create_resnet20(const Options& options, Rng& rng) {
  if (options.stem != Stem::cifar) throw UsageError("resnet20 has the stem 'cifar' only; resnet18 has both");
  const std::vector<Stage> stages = {{16, 3}, {32, 3}, {64, 3}};
  return std::make_shared<ResNet>(blocks_of<BasicBlock>(), stages, options, rng);
}

}  // namespace satsuma::models

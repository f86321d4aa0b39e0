#include "models/resnet.hpp"

#include <numeric>
#include <utility>

#include "satsuma/core/error.hpp"
#include "satsuma/ops/pool.hpp"
#include "satsuma/ops/shape.hpp"

namespace satsuma::models {

ResNet::ResNet(const ResNetForm& form, const Options& options, Rng& rng) : stem_(options.stem) {
  const double dropout = options.dropout.value_or(0);
  const std::shared_ptr<Rng> draws = dropout_draws(rng);
  std::int64_t inputs = scaled(form.channels.front(), options.width);
  const bool imagenet = stem_ == Stem::imagenet;
  conv1_ = add("conv1", same_convolution(options.input[0], inputs, imagenet ? 7 : 3, imagenet ? 2 : 1, rng));
  conv1_->contraction()->keep_dense(kFirstConvolution);
  conv1_->contraction()->read_data();
  bn1_ = add("bn1", std::make_shared<nn::BatchNorm2d>(inputs));
  const int last = std::accumulate(form.blocks.begin(), form.blocks.end(), 0) - 1;
  int depth = 0;
  for (std::size_t i = 0; i < form.blocks.size(); ++i) {
    const std::int64_t channels = scaled(form.channels[i], options.width);
    stages_.push_back(
        add("layer" + std::to_string(i + 1), std::make_shared<nn::Sequential>(options.recompute)));
    for (int block = 0; block < form.blocks[i]; ++block) {
      const std::int64_t stride = i > 0 && block == 0 ? 2 : 1;
      const BlockDrop drop = block_drop(options, depth++, last, draws);
      stages_.back()->append(form.kind.create(inputs, channels, stride, drop, rng));
      inputs = form.kind.expansion * channels;
    }
  }
  if (dropout > 0) dropout_ = add("dropout", std::make_shared<nn::Dropout>(dropout, draws));
  fc_ = add("fc", std::make_shared<nn::Linear>(inputs, options.classes, rng));
}

Tensor ResNet::forward(const Tensor& x) {
  Tensor y = bn1_->relu((*conv1_)(x));
  if (stem_ == Stem::imagenet) y = ops::max_pool(y, {.kernel = {3, 3}, .stride = {2, 2}, .padding = {1, 1}});
  for (const auto& stage : stages_) y = (*stage)(y);
  y = ops::flatten(ops::adaptive_average_pool(y, 1, 1));
  return (*fc_)(dropout_ ? (*dropout_)(y) : y);
}

Entry residual_network(std::string_view name, std::string_view summary, ResNetForm form) {
  return {name, summary, [form = std::move(form)](const Options& options, Rng& rng) {
            return std::make_shared<ResNet>(form, options, rng);
          }};
}

std::shared_ptr<nn::Module> create_resnet20(const Options& options, Rng& rng) {
  if (options.stem != Stem::cifar) throw UsageError("resnet20 has the stem 'cifar' only; resnet18 has both");
  return std::make_shared<ResNet>(ResNetForm{blocks_of<BasicBlock>(), {16, 32, 64}, {3, 3, 3}}, options, rng);
}

}  // namespace satsuma::models

#include "models/bottleneck.hpp"

namespace satsuma::models {

Bottleneck::Bottleneck(std::int64_t inputs, std::int64_t channels, std::int64_t stride, const BlockDrop& drop,
                       Rng& rng)
    : conv1_(add("conv1", same_convolution(inputs, channels, 1, 1, rng))),
      bn1_(add("bn1", std::make_shared<nn::BatchNorm2d>(channels))),
      conv2_(add("conv2", same_convolution(channels, channels, 3, stride, rng))),
      bn2_(add("bn2", std::make_shared<nn::BatchNorm2d>(channels))),
      conv3_(add("conv3", same_convolution(channels, kExpansion * channels, 1, 1, rng))),
      bn3_(add("bn3", std::make_shared<nn::BatchNorm2d>(kExpansion * channels))) {
  if (auto shortcut = downsample(inputs, kExpansion * channels, stride, rng))
    downsample_ = add("downsample", shortcut);
  if (drop.draws) drop_path_ = add("drop_path", std::make_shared<nn::DropPath>(drop.probability, drop.draws));
}

Tensor Bottleneck::forward(const Tensor& x) {
  Tensor y = bn1_->relu((*conv1_)(x));
  y = bn2_->relu((*conv2_)(y));
  return end_of_block(*bn3_, drop_path_.get(), (*conv3_)(y), downsample_ ? (*downsample_)(x) : x);
}

}  // namespace satsuma::models

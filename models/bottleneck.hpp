#pragma once

#include "basic_block.hpp"

namespace satsuma::models {

/// relu(bn3(conv3(relu(bn2(conv2(relu(bn1(conv1(x)))))))) + shortcut(x)) with 1x1, 3x3 and 1x1 convolutions
/// (He et al., arXiv 1512.03385, figure 5), the shortcut being downsample() or the identity. The last
/// convolution has four times the `channels` of the others. The stride is on the 3x3 convolution, as in
/// torchvision (known as v1.5), not on the first as in the paper.
class Bottleneck : public nn::Module {
 public:
  static constexpr std::int64_t kExpansion = 4;  ///< output channels for each channel of the stage

  Bottleneck(std::int64_t inputs, std::int64_t channels, std::int64_t stride, const BlockDrop& drop,
             Rng& rng);

  Tensor forward(const Tensor& x) override;

 private:
  std::shared_ptr<nn::Conv2d> conv1_;
  std::shared_ptr<nn::BatchNorm2d> bn1_;
  std::shared_ptr<nn::Conv2d> conv2_;
  std::shared_ptr<nn::BatchNorm2d> bn2_;
  std::shared_ptr<nn::Conv2d> conv3_;
  std::shared_ptr<nn::BatchNorm2d> bn3_;
  std::shared_ptr<nn::Sequential> downsample_;
  std::shared_ptr<nn::DropPath> drop_path_;
};

}  // namespace satsuma::models

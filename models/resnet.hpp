#pragma once

#include <vector>

#include "basic_block.hpp"
#include "registry.hpp"
#include "satsuma/nn/linear.hpp"

namespace satsuma::models {

/// What the stages of a residual network are made of.
struct BlockKind {
  std::int64_t expansion;  ///< output channels for each channel of the stage
  std::shared_ptr<nn::Module> (*create)(std::int64_t inputs, std::int64_t channels, std::int64_t stride,
                                        Rng& rng);
};

/// The kind of BasicBlock or Bottleneck.
template <typename Block>
BlockKind blocks_of() {
  return {Block::kExpansion,
          [](std::int64_t inputs, std::int64_t channels, std::int64_t stride,
             Rng& rng) -> std::shared_ptr<nn::Module> {
            return std::make_shared<Block>(inputs, channels, stride, rng);
          }};
}

/// A stage of a residual network.
struct Stage {
  std::int64_t channels;  ///< before scaling by options.width
  int blocks;
};

/// A residual network (He et al., arXiv 1512.03385) under torchvision's names: `conv1`, `bn1`,
/// `layer1.0.conv1`, ..., `layer2.0.downsample.0`, `fc`. Each stage but the first halves the image.
class ResNet : public nn::Module {
 public:
  ResNet(const BlockKind& kind, const std::vector<Stage>& stages, const Options& options, Rng& rng);

  Tensor forward(const Tensor& x) override;

 private:
  Stem stem_;
  std::shared_ptr<nn::Conv2d> conv1_;
  std::shared_ptr<nn::BatchNorm2d> bn1_;
  std::vector<std::shared_ptr<nn::Sequential>> stages_;
  std::shared_ptr<nn::Linear> fc_;
};

/// torchvision's resnet18: 64, 128, 256, 512 channels, two blocks a stage, either stem.
std::shared_ptr<nn::Module> create_resnet18(const Options& options, Rng& rng);

/// torchvision's resnet50: bottlenecks (stride on the 3x3 convolution) of 64, 128, 256, 512 channels, 3, 4,
/// 6, 3 of them, either stem.
std::shared_ptr<nn::Module> create_resnet50(const Options& options, Rng& rng);

/// The CIFAR form of 20 layers (arXiv 1512.03385, section 4.2): 16, 32, 64 channels, three blocks a stage,
/// and 1x1 convolutions as shortcuts (the paper's option B). Throws UsageError for another stem than `cifar`.
std::shared_ptr<nn::Module> create_resnet20(const Options& options, Rng& rng);

}  // namespace satsuma::models

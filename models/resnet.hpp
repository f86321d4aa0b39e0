#pragma once

#include <vector>

#include "basic_block.hpp"
#include "bottleneck.hpp"
#include "registry.hpp"
#include "satsuma/nn/dropout.hpp"
#include "satsuma/nn/linear.hpp"

namespace satsuma::models {

/// What the stages of a residual network are made of.
struct BlockKind {
  std::int64_t expansion;  ///< output channels for each channel of the stage
  std::shared_ptr<nn::Module> (*create)(std::int64_t inputs, std::int64_t channels, std::int64_t stride,
                                        const BlockDrop& drop, Rng& rng);
};

/// The kind of BasicBlock or Bottleneck.
template <typename Block>
BlockKind blocks_of() {
  return {Block::kExpansion,
          [](std::int64_t inputs, std::int64_t channels, std::int64_t stride, const BlockDrop& drop,
             Rng& rng) -> std::shared_ptr<nn::Module> {
            return std::make_shared<Block>(inputs, channels, stride, drop, rng);
          }};
}

/// Stages of a residual network: channels of each before scaling by options.width, and its blocks.
struct ResNetForm {
  BlockKind kind;
  std::vector<std::int64_t> channels;
  std::vector<int> blocks;
};

/// A residual network (He et al., arXiv 1512.03385) under torchvision's names: `conv1`, `bn1`,
/// `layer1.0.conv1`, ..., `layer2.0.downsample.0`, `fc`. Each stage but the first halves the image.
class ResNet : public nn::Module {
 public:
  ResNet(const ResNetForm& form, const Options& options, Rng& rng);

  Tensor forward(const Tensor& x) override;

 private:
  Stem stem_;
  std::shared_ptr<nn::Conv2d> conv1_;
  std::shared_ptr<nn::BatchNorm2d> bn1_;
  std::vector<std::shared_ptr<nn::Sequential>> stages_;
  std::shared_ptr<nn::Dropout> dropout_;  ///< null where there is none
  std::shared_ptr<nn::Linear> fc_;
};

/// Of the residual networks that torchvision has.
inline const std::vector<std::int64_t> kImageNetChannels = {64, 128, 256, 512};

/// A residual network with either stem.
Entry residual_network(std::string_view name, std::string_view summary, ResNetForm form);

/// torchvision's `name`: stages of BasicBlock, or of Bottleneck with the stride on its 3x3 convolution.
template <typename Block>
Entry residual_network(std::string_view name, const std::vector<std::int64_t>& channels,
                       const std::vector<int>& blocks) {
  return residual_network(name,
                          Block::kExpansion == 1
                              ? "torchvision's, of basic blocks, with a stem for 32x32 or for 224x224 images"
                              : "torchvision's, of bottlenecks, with a stem for 32x32 or for 224x224 images",
                          {blocks_of<Block>(), channels, blocks});
}

/// The CIFAR form of 20 layers (arXiv 1512.03385, section 4.2): 16, 32, 64 channels, three blocks a stage,
/// and 1x1 convolutions as shortcuts (the paper's option B). Throws UsageError for another stem than `cifar`.
std::shared_ptr<nn::Module> create_resnet20(const Options& options, Rng& rng);

}  // namespace satsuma::models

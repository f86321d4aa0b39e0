#pragma once

#include <vector>

#include "models/basic_block.hpp"
#include "models/registry.hpp"
#include "satsuma/nn/linear.hpp"

namespace satsuma::models {

/// A residual network of basic blocks (He et al., arXiv 1512.03385) under torchvision's names: `conv1`,
/// `bn1`, `layer1.0.conv1`, ..., `layer2.0.downsample.0`, `fc`. Each stage but the first halves the image.
class ResNet : public nn::Module {
 public:
  /// `channels` has one entry for each stage, before scaling by options.width.
  ResNet(const std::vector<std::int64_t>& channels, int blocks_per_stage, Stem stem, const Options& options,
         Rng& rng);

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

/// The CIFAR form of 20 layers (arXiv 1512.03385, section 4.2): 16, 32, 64 channels, three blocks a stage,
/// and 1x1 convolutions as shortcuts (the paper's option B). Throws UsageError for another stem than `cifar`.
std::shared_ptr<nn::Module> create_resnet20(const Options& options, Rng& rng);

}  // namespace satsuma::models

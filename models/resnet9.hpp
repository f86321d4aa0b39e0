#pragma once

#include "basic_block.hpp"
#include "registry.hpp"
#include "satsuma/nn/dropout.hpp"
#include "satsuma/nn/linear.hpp"

namespace satsuma::models {

/// relu(bn(conv(x))) with a 3x3 convolution of stride 1: the brick of ResNet9.
class ConvBlock : public nn::Module {
 public:
  ConvBlock(std::int64_t inputs, std::int64_t outputs, Rng& rng);

  Tensor forward(const Tensor& x) override;
  const std::shared_ptr<nn::Conv2d>& conv() const { return conv_; }

 private:
  std::shared_ptr<nn::Conv2d> conv_;
  std::shared_ptr<nn::BatchNorm2d> bn_;
};

/// The nine-layer residual network of DAWNBench (D. Page, "How to train your ResNet", 2018), 64-128-256-512
/// channels:
///   prep, pool(layer1), + residual1, pool(layer2), pool(layer3), + residual3, global max pool, 0.125 * fc
/// where each layer is a ConvBlock, each residual two of them, and pool is 2x2 max pooling; fc has no bias.
/// Any image of at least 8x8 pixels works.
class ResNet9 : public nn::Module {
 public:
  ResNet9(const Options& options, Rng& rng);

  Tensor forward(const Tensor& x) override;

 private:
  std::shared_ptr<nn::Sequential> residual(const char* name, std::int64_t channels, Rng& rng);

  std::shared_ptr<ConvBlock> prep_;
  std::shared_ptr<ConvBlock> layer1_;
  std::shared_ptr<nn::Sequential> residual1_;
  std::shared_ptr<ConvBlock> layer2_;
  std::shared_ptr<ConvBlock> layer3_;
  std::shared_ptr<nn::Sequential> residual3_;
  std::shared_ptr<nn::Dropout> dropout_;  ///< null where there is none
  std::shared_ptr<nn::Linear> fc_;
  bool recompute_;
};

/// Throws UsageError for another stem than `cifar`, and for stochastic depth: its two residuals are no chain
/// of blocks.
std::shared_ptr<nn::Module> create_resnet9(const Options& options, Rng& rng);

}  // namespace satsuma::models

#pragma once

#include <array>
#include <vector>

#include "registry.hpp"
#include "satsuma/nn/batch_norm.hpp"
#include "satsuma/nn/conv2d.hpp"

namespace satsuma::models {

/// A configuration of VGG: 3x3 convolutions of each of the five stages, of 64, 128, 256, 512 and 512
/// channels, and whether batch normalisation follows each.
struct VggForm {
  std::string_view name;  ///< for messages
  std::array<int, 5> layers;
  bool norm;
};

/// Convolutions of one number of channels with ReLU, and 2x2 max pooling behind them.
class VggStage : public nn::Module {
 public:
  /// The first layer is called `index`, as torchvision counts in its Sequential: convolution, batch
  /// normalisation, ReLU and pooling each take a number.
  VggStage(int index, int layers, std::int64_t inputs, std::int64_t outputs, bool norm, Rng& rng);

  Tensor forward(const Tensor& x) override;
  const std::shared_ptr<nn::Conv2d>& first() const { return layers_.front().conv; }

 private:
  struct Layer {
    std::shared_ptr<nn::Conv2d> conv;
    std::shared_ptr<nn::BatchNorm2d> bn;  ///< null without normalisation
  };

  std::vector<Layer> layers_;
};

/// VGG (Simonyan and Zisserman, arXiv 1409.1556) under torchvision's names: convolutions with biases and
/// their norms `features.0`, `features.1`, and so on. What follows depends on the stem:
///   cifar      global average, one linear layer `classifier.0`: for images of 32 or 64 pixels
///   imagenet   averages of 7x7 windows, `classifier.0`, `.3`, `.6` with ReLU and dropout of 0.5 between, as
///              torchvision has it: for 224
/// Linear layers start as all of ours do, not with torchvision's deviation of 0.01.
class Vgg : public nn::Module {
 public:
  Vgg(const VggForm& form, const Options& options, Rng& rng);

  Tensor forward(const Tensor& x) override;

 private:
  void add_classifier(std::int64_t inputs, const Options& options, Rng& rng);

  std::vector<std::shared_ptr<VggStage>> stages_;
  bool recompute_;
  std::int64_t pooled_;                              ///< height and width before the classifier
  std::vector<std::shared_ptr<nn::Module>> hidden_;  ///< linear layer and dropout in turns
  std::shared_ptr<nn::Module> dropout_;              ///< before `classifier.0` of the stem `cifar`, or null
  std::shared_ptr<nn::Module> output_;
};

/// torchvision's `name`. Its models throw UsageError for images below 32x32, which five poolings would leave
/// nothing of, and for stochastic depth, having no residual branches.
Entry vgg(std::string_view name, const std::array<int, 5>& layers, bool norm);

}  // namespace satsuma::models

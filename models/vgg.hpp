#pragma once

#include <vector>

#include "registry.hpp"
#include "satsuma/nn/batch_norm.hpp"
#include "satsuma/nn/conv2d.hpp"

namespace satsuma::models {

/// VGG-19 with batch normalisation (Simonyan and Zisserman, arXiv 1409.1556, configuration E) under
/// torchvision's names: 3x3 convolutions with biases of 64, 64, 128, 128, 4 x 256 and 8 x 512 channels,
/// `features.0` to `features.49`, batch normalisation `features.1` to `features.50`, and 2x2 max pooling
/// after each run. What follows depends on the stem:
///   cifar      global average, one linear layer `classifier.0` (`3` of the Sequential in torch_step.py)
///   imagenet   averages of 7x7 windows, `classifier.0`, `.3`, `.6` with ReLU and dropout of 0.5 between
/// Linear layers start as all of ours do, not with torchvision's deviation of 0.01.
class Vgg : public nn::Module {
 public:
  Vgg(const Options& options, Rng& rng);

  Tensor forward(const Tensor& x) override;

 private:
  struct Layer {
    std::shared_ptr<nn::Conv2d> conv;
    std::shared_ptr<nn::BatchNorm2d> bn;
    bool pool;  ///< after this layer
  };

  void add_classifier(std::int64_t inputs, const Options& options, Rng& rng);

  std::vector<Layer> layers_;
  std::int64_t pooled_;                              ///< height and width before the classifier
  std::vector<std::shared_ptr<nn::Module>> hidden_;  ///< linear layer and dropout in turns
  std::shared_ptr<nn::Module> output_;
};

/// Throws UsageError for images below 32x32, which five poolings would leave nothing of.
std::shared_ptr<nn::Module> create_vgg19_bn(const Options& options, Rng& rng);

}  // namespace satsuma::models

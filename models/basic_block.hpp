#pragma once

#include "registry.hpp"
#include "satsuma/nn/batch_norm.hpp"
#include "satsuma/nn/conv2d.hpp"
#include "satsuma/nn/drop_path.hpp"
#include "satsuma/nn/sequential.hpp"

namespace satsuma::models {

/// A convolution without bias that keeps the size of its input at stride 1: padding is half of the odd
/// `kernel`.
std::shared_ptr<nn::Conv2d> same_convolution(std::int64_t inputs, std::int64_t outputs, std::int64_t kernel,
                                             std::int64_t stride, Rng& rng);

/// The shortcut of a residual block: a 1x1 convolution with batch normalisation (`0`, `1`) where size or
/// channels change, null elsewhere, where the identity will do.
std::shared_ptr<nn::Sequential> downsample(std::int64_t inputs, std::int64_t outputs, std::int64_t stride,
                                           Rng& rng);

/// relu(bn(x) + shortcut) as one operation, or with bn(x) left out for some images where `drop` says so.
Tensor end_of_block(nn::BatchNorm2d& bn, nn::DropPath* drop, const Tensor& x, const Tensor& shortcut);

/// relu(bn2(conv2(relu(bn1(conv1(x))))) + shortcut(x)) with two 3x3 convolutions (He et al., arXiv
/// 1512.03385, figure 2), the shortcut being downsample() or the identity.
class BasicBlock : public nn::Module {
 public:
  static constexpr std::int64_t kExpansion = 1;  ///< output channels for each channel of the stage

  BasicBlock(std::int64_t inputs, std::int64_t outputs, std::int64_t stride, const BlockDrop& drop, Rng& rng);

  Tensor forward(const Tensor& x) override;

 private:
  std::shared_ptr<nn::Conv2d> conv1_;
  std::shared_ptr<nn::BatchNorm2d> bn1_;
  std::shared_ptr<nn::Conv2d> conv2_;
  std::shared_ptr<nn::BatchNorm2d> bn2_;
  std::shared_ptr<nn::Sequential> downsample_;
  std::shared_ptr<nn::DropPath> drop_path_;
};

}  // namespace satsuma::models

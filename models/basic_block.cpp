#include "models/basic_block.hpp"

#include "satsuma/ops/arithmetic.hpp"

namespace satsuma::models {

std::shared_ptr<nn::Conv2d> same_convolution(std::int64_t inputs, std::int64_t outputs, std::int64_t kernel,
                                             std::int64_t stride, Rng& rng) {
  const Geometry geometry = {.in_channels = inputs,
                             .out_channels = outputs,
                             .kernel = {kernel, kernel},
                             .stride = {stride, stride},
                             .padding = {kernel / 2, kernel / 2}};
  return std::make_shared<nn::Conv2d>(geometry, rng);
}

std::shared_ptr<nn::Sequential> downsample(std::int64_t inputs, std::int64_t outputs, std::int64_t stride,
                                           Rng& rng) {
  if (stride == 1 && inputs == outputs) return nullptr;
  auto result = std::make_shared<nn::Sequential>();
  result->append(same_convolution(inputs, outputs, 1, stride, rng));
  result->append(std::make_shared<nn::BatchNorm2d>(outputs));
  return result;
}

Tensor end_of_block(nn::BatchNorm2d& bn, nn::DropPath* drop, const Tensor& x, const Tensor& shortcut) {
  if (drop == nullptr || !drop->active()) return bn.relu(x, shortcut);
  return ops::add_relu((*drop)(bn(x)), shortcut);
}

BasicBlock::BasicBlock(std::int64_t inputs, std::int64_t outputs, std::int64_t stride, const BlockDrop& drop,
                       Rng& rng)
    : conv1_(add("conv1", same_convolution(inputs, outputs, 3, stride, rng))),
      bn1_(add("bn1", std::make_shared<nn::BatchNorm2d>(outputs))),
      conv2_(add("conv2", same_convolution(outputs, outputs, 3, 1, rng))),
      bn2_(add("bn2", std::make_shared<nn::BatchNorm2d>(outputs))) {
  if (auto shortcut = downsample(inputs, outputs, stride, rng)) downsample_ = add("downsample", shortcut);
  if (drop.draws) drop_path_ = add("drop_path", std::make_shared<nn::DropPath>(drop.probability, drop.draws));
}

Tensor BasicBlock::forward(const Tensor& x) {
  const Tensor y = bn1_->relu((*conv1_)(x));
  return end_of_block(*bn2_, drop_path_.get(), (*conv2_)(y), downsample_ ? (*downsample_)(x) : x);
}

}  // namespace satsuma::models

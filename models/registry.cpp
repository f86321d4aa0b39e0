#include "models/registry.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "models/resnet.hpp"
#include "models/resnet9.hpp"
#include "models/vgg.hpp"
#include "models/vit.hpp"
#include "satsuma/core/nearest.hpp"
#include "satsuma/nn/checkpoint.hpp"

namespace satsuma::models {

namespace {

/// Stream of dropout and stochastic depth: apart from the weights', so that it can be resumed by itself.
constexpr std::uint64_t kDropoutStream = 7;

std::vector<Entry> all_entries() {
  return {
      {"resnet9", "DAWNBench's nine layers, 64-128-256-512 channels, for 32x32 images", &create_resnet9},
      residual_network<BasicBlock>("resnet18", kImageNetChannels, {2, 2, 2, 2}),
      residual_network<BasicBlock>("resnet34", kImageNetChannels, {3, 4, 6, 3}),
      residual_network<Bottleneck>("resnet50", kImageNetChannels, {3, 4, 6, 3}),
      residual_network<Bottleneck>("resnet101", kImageNetChannels, {3, 4, 23, 3}),
      {"resnet20", "the CIFAR ResNet of 20 layers, 16-32-64 channels, 1x1 shortcuts", &create_resnet20},
      vgg("vgg11", {1, 1, 2, 2, 2}, false),
      vgg("vgg13", {2, 2, 2, 2, 2}, false),
      vgg("vgg16", {2, 2, 3, 3, 3}, false),
      vgg("vgg19", {2, 2, 4, 4, 4}, false),
      vgg("vgg11_bn", {1, 1, 2, 2, 2}, true),
      vgg("vgg13_bn", {2, 2, 2, 2, 2}, true),
      vgg("vgg16_bn", {2, 2, 3, 3, 3}, true),
      vgg("vgg19_bn", {2, 2, 4, 4, 4}, true),
      vision_transformer("vit_cifar",
                         "a vision transformer of 6 blocks and width 512, for 4x4 or 16x16 patches",
                         {.width = 512, .blocks = 6, .heads = 8, .hidden = 1, .patch = 0}),
      vision_transformer("vit_tiny_patch16_224", "timm's ViT-Ti/16: 12 blocks of width 192 with 3 heads",
                         {.width = 192, .blocks = 12, .heads = 3, .hidden = 4, .patch = 16}),
      vision_transformer("vit_small_patch16_224", "timm's ViT-S/16: 12 blocks of width 384 with 6 heads",
                         {.width = 384, .blocks = 12, .heads = 6, .hidden = 4, .patch = 16}),
      vision_transformer("vit_base_patch16_224", "timm's ViT-B/16: 12 blocks of width 768 with 12 heads",
                         {.width = 768, .blocks = 12, .heads = 12, .hidden = 4, .patch = 16}),
  };
}

}  // namespace

Stem parse_stem(std::string_view name) {
  return find_named("stem", name, std::array{Stem::cifar, Stem::imagenet});
}

std::string_view to_string(Stem stem) {
  return stem == Stem::cifar ? "cifar" : "imagenet";
}

std::int64_t scaled(std::int64_t channels, double width, std::int64_t step) {
  const double steps = static_cast<double>(channels) * width / static_cast<double>(step);
  return std::max<std::int64_t>(step, static_cast<std::int64_t>(std::floor(steps + 0.5)) * step);
}

Tensor run_block(const std::shared_ptr<nn::Module>& module, const Tensor& x, bool recompute) {
  return recompute ? nn::checkpoint(module, x) : (*module)(x);
}

BlockDrop block_drop(const Options& options, int index, int last, const std::shared_ptr<Rng>& draws) {
  if (options.drop_path == 0) return {};
  return {options.drop_path * index / std::max(last, 1), draws};
}

std::shared_ptr<Rng> dropout_draws(const Rng& weights) {
  Rng next = weights;
  return std::make_shared<Rng>(next.next(), kDropoutStream);
}

std::span<const Entry> entries() {
  static const std::vector<Entry> kEntries = all_entries();
  return kEntries;
}

const Entry& find(std::string_view name) {
  return find_named("model", name, entries(), &Entry::name);
}

}  // namespace satsuma::models

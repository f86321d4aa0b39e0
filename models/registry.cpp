#include "models/registry.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "models/resnet.hpp"
#include "models/resnet9.hpp"
#include "models/vgg.hpp"
#include "models/vit.hpp"
#include "satsuma/core/nearest.hpp"

namespace satsuma::models {

Stem parse_stem(std::string_view name) {
  return find_named("stem", name, std::array{Stem::cifar, Stem::imagenet});
}

std::string_view to_string(Stem stem) {
  return stem == Stem::cifar ? "cifar" : "imagenet";
}

std::int64_t scaled(std::int64_t channels, double width) {
  const auto eighths = static_cast<std::int64_t>(std::floor(static_cast<double>(channels) * width / 8 + 0.5));
  return std::max<std::int64_t>(8, eighths * 8);
}

std::span<const Entry> entries() {
  static constexpr std::array kEntries = {
      Entry{"resnet9", "DAWNBench's nine layers, 64-128-256-512 channels, for 32x32 images", &create_resnet9},
      Entry{"resnet18", "torchvision's resnet18, with a stem for 32x32 or for 224x224 images",
            &create_resnet18},
      Entry{"resnet50", "torchvision's resnet50 of bottlenecks, with a stem for 32x32 or for 224x224 images",
            &create_resnet50},
      Entry{"resnet20", "the CIFAR ResNet of 20 layers, 16-32-64 channels, 1x1 shortcuts", &create_resnet20},
      Entry{"vgg19_bn", "torchvision's vgg19_bn, with one linear layer for 32x32 or three for 224x224 images",
            &create_vgg19_bn},
      Entry{"vit_cifar", "a vision transformer of 6 blocks and width 512, for 4x4 or 16x16 patches",
            &create_vit_cifar},
  };
  return kEntries;
}

const Entry& find(std::string_view name) {
  return find_named("model", name, entries(), &Entry::name);
}

}  // namespace satsuma::models

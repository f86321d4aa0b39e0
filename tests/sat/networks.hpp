#pragma once

#include "satsuma/sat/workload.hpp"

namespace satsuma::sat::test {

/// A square convolution without dilation.
Layer convolution(std::string name, std::int64_t in, std::int64_t out, std::int64_t kernel,
                  std::int64_t stride, std::int64_t extent, std::int64_t batch);

/// ResNet-18 and ResNet-50 for images of `extent` pixels, first convolution 3x3 without pooling (`cifar`) or
/// 7x7 with pooling; 1000 classes. The first convolution has no BP and stays dense.
Workload resnet18(std::int64_t extent, std::int64_t batch, bool cifar);
Workload resnet50(std::int64_t extent, std::int64_t batch, bool cifar);

/// The linear layers of a ViT with patches of 4 x 4, 64 tokens, 384 channels and 6 blocks.
Workload vit(std::int64_t batch);

/// `workload` as one of the five methods prunes it.
Workload pruned(Workload workload, std::string_view method, std::string_view pattern);

}  // namespace satsuma::sat::test

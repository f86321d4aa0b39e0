#include "sat/networks.hpp"

#include <array>

namespace satsuma::sat::test {

namespace {

Layer linear(std::string name, std::int64_t in, std::int64_t out, std::int64_t tokens, std::int64_t batch) {
  Layer layer;
  layer.plan.name = std::move(name);
  layer.plan.geometry.in_channels = in;
  layer.plan.geometry.out_channels = out;
  layer.input = {1, tokens};
  layer.batch = batch;
  return layer;
}

/// Adds the stem and returns the extent behind it.
std::int64_t add_stem(Workload& network, std::int64_t extent, std::int64_t batch, bool cifar) {
  Layer stem = convolution("conv1", 3, 64, cifar ? 3 : 7, cifar ? 1 : 2, extent, batch);
  stem.plan.reads_data = true;
  stem.plan.keep_dense = "first convolution";
  network.layers.push_back(stem);
  return cifar ? extent : extent / 4;
}

void add_basic_block(Workload& network, const std::string& name, std::int64_t in, std::int64_t out,
                     std::int64_t stride, std::int64_t extent, std::int64_t batch) {
  network.layers.push_back(convolution(name + ".conv1", in, out, 3, stride, extent, batch));
  network.layers.push_back(convolution(name + ".conv2", out, out, 3, 1, extent / stride, batch));
  if (in != out || stride > 1) {
    network.layers.push_back(convolution(name + ".downsample.0", in, out, 1, stride, extent, batch));
  }
}

void add_bottleneck(Workload& network, const std::string& name, std::int64_t in, std::int64_t width,
                    std::int64_t stride, std::int64_t extent, std::int64_t batch) {
  const std::int64_t out = 4 * width;
  network.layers.push_back(convolution(name + ".conv1", in, width, 1, 1, extent, batch));
  network.layers.push_back(convolution(name + ".conv2", width, width, 3, stride, extent, batch));
  network.layers.push_back(convolution(name + ".conv3", width, out, 1, 1, extent / stride, batch));
  if (in != out || stride > 1) {
    network.layers.push_back(convolution(name + ".downsample.0", in, out, 1, stride, extent, batch));
  }
}

Workload resnet(std::string name, const std::array<int, 4>& blocks, bool bottleneck, std::int64_t extent,
                std::int64_t batch, bool cifar) {
  Workload network;
  network.name = std::move(name);
  extent = add_stem(network, extent, batch, cifar);
  std::int64_t in = 64;
  for (std::size_t stage = 0; stage < 4; ++stage) {
    const std::int64_t width = std::int64_t{64} << stage;
    for (int block = 0; block < blocks[stage]; ++block) {
      const std::int64_t stride = stage > 0 && block == 0 ? 2 : 1;
      const std::string prefix = "layer" + std::to_string(stage + 1) + "." + std::to_string(block);
      if (bottleneck) {
        add_bottleneck(network, prefix, in, width, stride, extent, batch);
      } else {
        add_basic_block(network, prefix, in, width, stride, extent, batch);
      }
      in = bottleneck ? 4 * width : width;
      extent /= stride;
    }
  }
  network.layers.push_back(linear("fc", in, 1000, 1, batch));
  return network;
}

}  // namespace

Layer convolution(std::string name, std::int64_t in, std::int64_t out, std::int64_t kernel,
                  std::int64_t stride, std::int64_t extent, std::int64_t batch) {
  Layer layer;
  layer.plan.name = std::move(name);
  layer.plan.geometry.in_channels = in;
  layer.plan.geometry.out_channels = out;
  layer.plan.geometry.kernel = {kernel, kernel};
  layer.plan.geometry.stride = {stride, stride};
  layer.plan.geometry.padding = {kernel / 2, kernel / 2};
  layer.input = {extent, extent};
  layer.batch = batch;
  return layer;
}

Workload resnet18(std::int64_t extent, std::int64_t batch, bool cifar) {
  return resnet("resnet18", {2, 2, 2, 2}, false, extent, batch, cifar);
}

Workload resnet50(std::int64_t extent, std::int64_t batch, bool cifar) {
  return resnet("resnet50", {3, 4, 6, 3}, true, extent, batch, cifar);
}

Workload vit(std::int64_t batch) {
  Workload network;
  network.name = "vit";
  Layer patches = convolution("patches", 3, 384, 4, 4, 32, batch);
  patches.plan.geometry.padding = {0, 0};
  patches.plan.reads_data = true;
  patches.plan.keep_dense = "first convolution";
  network.layers.push_back(patches);
  for (int block = 0; block < 6; ++block) {
    const std::string prefix = "blocks." + std::to_string(block);
    network.layers.push_back(linear(prefix + ".attn.qkv", 384, 1152, 65, batch));
    network.layers.push_back(linear(prefix + ".attn.proj", 384, 384, 65, batch));
    network.layers.push_back(linear(prefix + ".mlp.fc1", 384, 1536, 65, batch));
    network.layers.push_back(linear(prefix + ".mlp.fc2", 1536, 384, 65, batch));
  }
  network.layers.push_back(linear("head", 384, 10, 1, batch));
  return network;
}

Workload pruned(Workload workload, std::string_view method, std::string_view pattern) {
  apply(workload, {.method = &find_method(method), .pattern = Pattern::parse(pattern)});
  return workload;
}

}  // namespace satsuma::sat::test

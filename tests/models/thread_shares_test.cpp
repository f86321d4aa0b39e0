#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "models/registry.hpp"
#include "satsuma/core/no_storage.hpp"
#include "satsuma/nn/trace.hpp"
#include "src/cpu/passes.hpp"
#include "src/cpu/pruned_backward.hpp"
#include "src/cpu/sampled_weight_gradient.hpp"
#include "src/cpu/shares.hpp"
#include "src/cpu/weight_gradient.hpp"

// How evenly the products of each layer are shared among many threads: the splits that the kernels run by are
// values, which are asked here without running anything.

namespace satsuma::models {

namespace {

/// What one thread may have more than the mean.
constexpr double kMostOverMean = 1.15;
constexpr std::int64_t kMostThreads = 64;
constexpr Pattern kPattern{2, 8};

/// Layers that cannot be shared so evenly, each with the most that a thread has over the mean.
struct Exception {
  const char* model;
  const char* layer;
  const char* kinds;  ///< what their names begin with
  double most;
  const char* reason;
};
const Exception kExceptions[] = {
    {"resnet50", "fc", "FF", 1.51, "ten outputs are two panels, and a tile holds several blocks of images"},
    {"resnet18", "layer3.0.downsample.0", "BP dense", 1.16,
     "gradients without a product have to be written, too"},
    {"vgg19_bn", "features.40", "FF dense", 1.24, "64 panels by four pixels, of two blocks of images each"},
    {"vgg19_bn", "features.40", "BP dense", 1.24, "64 panels by four pixels, of two blocks of images each"},
    {"vgg19_bn", "features.40", "BP pruned", 1.48, "128 times a pixel of sixteen images by 64 channels"},
    {"vgg19_bn", "features.27", "BP pruned", 1.23, "256 times a pixel of sixteen images by 64 channels"},
    {"resnet18", "layer4.0.downsample.0", "BP pruned", 1.24, "256 times such a pixel that has a product"},
};

/// The image that a contraction sees behind an op's input, as trace_layers() of the command line has it.
Shape image_of(const Shape& shape) {
  if (shape.rank() == 4) return shape;
  if (shape.rank() == 3) return {shape[0], shape[2], 1, shape[1]};
  return {shape[0], shape[1], 1, 1};
}

struct Layer {
  std::string name;
  LayerPlan plan;
  Shape x;
  bool is_first;  ///< it stays dense, and nobody needs the gradient of an image

  bool runs(std::string_view kind) const { return !is_first || kind == "FF dense" || kind == "WU dense"; }
};

/// The layers of a model over `images` images, each shape once.
std::vector<Layer> layers_of(const Entry& entry, std::int64_t images) {
  const NoStorage shapes_only;
  Rng rng(1);
  const auto model = entry.create({.input = {3, 32, 32}}, rng);
  const Trace trace = nn::trace(*model, {images, 3, 32, 32});
  std::vector<Layer> layers;
  std::set<std::string> seen;
  for (const auto& contraction : model->contractions()) {
    for (const Trace::Op& op : trace.ops()) {
      if (op.layer != contraction->name() || (op.kind != "conv2d" && op.kind != "linear")) continue;
      const Trace::Value& input = trace.value(op.inputs[0]);
      const Shape x = image_of(input.tensor.shape());
      if (!seen.insert(to_string(contraction->geometry()) + to_string(x)).second) continue;
      layers.push_back({contraction->name(), LayerPlan(contraction->geometry()), x, !input.needs_grad});
    }
  }
  return layers;
}

/// The largest share over the mean of those threads that the work is worth waking.
double unevenness(const std::vector<std::int64_t>& shares, std::int64_t threads) {
  const std::int64_t sum = std::accumulate(shares.begin(), shares.end(), std::int64_t{0});
  const std::int64_t largest = *std::max_element(shares.begin(), shares.end());
  const auto mean = static_cast<double>(sum) / static_cast<double>(cpu::useful_threads(sum, threads));
  return static_cast<double>(largest) / mean;
}

struct Kind {
  const char* name;
  std::function<std::vector<std::int64_t>(const Layer&, std::int64_t threads)> shares;
};

const Kind kKinds[] = {
    {"FF dense", [](const Layer& l, std::int64_t t) { return cpu::forward_shares(l.plan, l.x, {}, t); }},
    {"FF 2:8", [](const Layer& l, std::int64_t t) { return cpu::forward_shares(l.plan, l.x, kPattern, t); }},
    {"BP dense",
     [](const Layer& l, std::int64_t t) { return cpu::backward_data_shares(l.plan, l.x, {}, t); }},
    {"BP 2:8",
     [](const Layer& l, std::int64_t t) { return cpu::backward_data_shares(l.plan, l.x, kPattern, t); }},
    {"BP pruned dY",
     [](const Layer& l, std::int64_t t) {
       return cpu::pruned_backward_data_shares(l.plan, l.x, kPattern, t);
     }},
    {"WU dense", [](const Layer& l, std::int64_t t) { return cpu::weight_gradient_shares(l.plan, l.x, t); }},
    {"WU sampled", [](const Layer& l, std::int64_t t) {
       return cpu::sampled_weight_gradient_shares(l.plan, l.x, kPattern, t);
     }}};

double most_over_mean(std::string_view model, const Layer& layer, std::string_view kind) {
  for (const Exception& e : kExceptions) {
    if (model == e.model && layer.name == e.layer && kind.starts_with(e.kinds)) return e.most;
  }
  return kMostOverMean;
}

}  // namespace

TEST_CASE("the products of each layer are shared evenly by up to 64 threads") {
  for (const std::string name : {"resnet9", "resnet18", "resnet50", "vgg19_bn", "vit_cifar"}) {
    for (const std::int64_t images : {64, 128}) {
      for (const Layer& layer : layers_of(find(name), images)) {
        for (const Kind& kind : kKinds) {
          if (!layer.runs(kind.name)) continue;
          CAPTURE(name);
          CAPTURE(images);
          CAPTURE(layer.name);
          CAPTURE(kind.name);
          double worst = 0;
          for (std::int64_t threads = 1; threads <= kMostThreads; ++threads) {
            const std::vector<std::int64_t> shares = kind.shares(layer, threads);
            REQUIRE(static_cast<std::int64_t>(shares.size()) <= threads);
            worst = std::max(worst, unevenness(shares, threads));
          }
          CHECK(worst <= most_over_mean(name, layer, kind.name));
        }
      }
    }
  }
}

}  // namespace satsuma::models

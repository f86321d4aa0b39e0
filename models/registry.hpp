#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "satsuma/core/rng.hpp"
#include "satsuma/nn/module.hpp"

namespace satsuma::models {

enum class Stem : std::uint8_t {
  cifar,     ///< 3x3 convolution of stride 1, no pooling: images of 32 pixels
  imagenet,  ///< 7x7 convolution of stride 2 and max pooling: images of 224 pixels
};
/// Throws UsageError with the known names and the nearest one.
Stem parse_stem(std::string_view name);
std::string_view to_string(Stem stem);

struct Options {
  Shape input = {3, 32, 32};  ///< [C, H, W]
  std::int64_t classes = 10;
  Stem stem = Stem::cifar;
  double width = 1.0;  ///< scales the number of channels, rounded to a multiple of 8
  /// Stochastic depth of the last residual block, from 0 at the first one (ResNet but for resnet9, ViT).
  /// Block i of n leaves its branches out with probability drop_path * i / (n - 1).
  double drop_path = 0;
  /// Probability of dropout: before the last linear layer of a residual network or a VGG, in a ViT behind the
  /// positions and every linear layer of a block but qkv (arXiv 2010.11929, appendix B.1). Empty is the
  /// model's own: 0.5 between the linear layers of a VGG with the stem `imagenet`, which this replaces, and
  /// 0.
  std::optional<double> dropout = {};
  bool recompute = false;  ///< blocks keep their inputs alone for the backward pass: nn::checkpoint()
};

/// `channels` * `width`, rounded to the nearest multiple of `step` and at least `step`.
std::int64_t scaled(std::int64_t channels, double width, std::int64_t step = 8);

/// module(x), under options.recompute by nn::checkpoint().
Tensor run_block(const std::shared_ptr<nn::Module>& module, const Tensor& x, bool recompute);

/// Stochastic depth of one residual block.
struct BlockDrop {
  double probability = 0;
  std::shared_ptr<Rng> draws = {};  ///< the model's; null where the model drops nothing
};
/// That of block `index` where `last` is the last one's index: options.drop_path * index / last.
BlockDrop block_drop(const Options& options, int index, int last, const std::shared_ptr<Rng>& draws);

/// The generator of dropout and stochastic depth of a model whose weights are about to be drawn from
/// `weights`, which stays where it is: weights do not depend on either.
std::shared_ptr<Rng> dropout_draws(const Rng& weights);

/// Why the first convolution of every model stays dense (arXiv 2309.13015): its few input channels make no
/// groups.
inline constexpr const char* kFirstConvolution = "first convolution";

/// A model that the command line knows by name. The first convolution is marked to stay dense by the model
/// itself.
struct Entry {
  std::string_view name;
  std::string_view summary;
  /// Weights are drawn from `rng` in the order of the parameters.
  std::function<std::shared_ptr<nn::Module>(const Options&, Rng& rng)> create;
  std::int64_t pixels = 32;  ///< height and width of images for which it is made with the stem `cifar`

  /// Height and width of images for which it is made with this stem.
  std::int64_t image_size(Stem stem) const { return stem == Stem::imagenet ? 224 : pixels; }
};

std::span<const Entry> entries();
/// Throws UsageError with the known names and the nearest one.
const Entry& find(std::string_view name);

}  // namespace satsuma::models

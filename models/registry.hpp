#pragma once

#include <memory>
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
};

/// `channels` * `width`, rounded to the nearest multiple of 8 and at least 8.
std::int64_t scaled(std::int64_t channels, double width);

/// Why the first convolution of every model stays dense (arXiv 2309.13015): its few input channels make no
/// groups.
inline constexpr const char* kFirstConvolution = "first convolution";

/// A model that the command line knows by name. The first convolution is marked to stay dense by the model
/// itself.
struct Entry {
  std::string_view name;
  std::string_view summary;
  /// Weights are drawn from `rng` in the order of the parameters.
  std::shared_ptr<nn::Module> (*create)(const Options&, Rng& rng);
};

std::span<const Entry> entries();
/// Throws UsageError with the known names and the nearest one.
const Entry& find(std::string_view name);

}  // namespace satsuma::models

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "satsuma/core/shape.hpp"

namespace satsuma::data {

/// Labelled images of one size, as bytes. Immutable; read() may be called from several threads.
class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual std::int64_t size() const = 0;
  /// [C, H, W] of the stored images, before padding.
  virtual Shape image_shape() const = 0;
  virtual std::int64_t classes() const = 0;
  virtual std::int64_t label(std::int64_t index) const = 0;
  /// Writes image `index` as C*H*W bytes, row-major.
  virtual void read(std::int64_t index, std::span<std::uint8_t> image) const = 0;
};

/// How bytes become the input of a model: `pad` black pixels on each side, then (x / 255 - mean) / std per
/// channel. Values that are the same for all channels hold for any number of channels.
struct Normalisation {
  std::vector<double> mean;
  std::vector<double> std;
  std::int64_t pad = 0;
};

}  // namespace satsuma::data

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "satsuma/core/shape.hpp"
#include "satsuma/data/image.hpp"

namespace satsuma::data {

/// Labelled pictures. Immutable; read() may be called from several threads.
class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual std::int64_t size() const = 0;
  /// [C, H, W] of every image, before padding; H and W are 0 where images differ in size.
  virtual Shape image_shape() const = 0;
  virtual std::int64_t classes() const = 0;
  /// Names of the classes in the order of their labels; empty where a data set has none.
  virtual std::vector<std::string> class_names() const { return {}; }
  virtual std::int64_t label(std::int64_t index) const = 0;
  /// What messages call image `index`: its file, or `image 17`.
  virtual std::string name(std::int64_t index) const;
  /// What tells image `index` from the others wherever they are kept: its name, or that within its file.
  virtual std::string key(std::int64_t index) const { return name(index); }
  /// Reads image `index` into `image`, whose storage is reused. A decoder may deliver it smaller than it is
  /// stored, but with no side below `least_side` (0: full size). Throws FormatError or IoError naming the
  /// file.
  virtual void read(std::int64_t index, Image& image, std::int64_t least_side = 0) const = 0;
};

/// How bytes become the input of a model: `pad` black pixels on each side, then (x / 255 - mean) / std per
/// channel. Values that are the same for all channels hold for any number of channels.
struct Normalisation {
  std::vector<double> mean;
  std::vector<double> std;
  std::int64_t pad = 0;
};

}  // namespace satsuma::data

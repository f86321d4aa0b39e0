#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "satsuma/data/dataset.hpp"
#include "satsuma/data/loader.hpp"

namespace satsuma::data {

/// How a sample is laid into its frame: pixel (y, x) of the output is pixel (y + dy, x + dx) of the padded
/// image, where x counts from the right when flipped. Outside the image all is black.
struct Placement {
  std::int64_t dy = 0;
  std::int64_t dx = 0;
  bool flip = false;
};

/// The order in which epoch `epoch` visits `count` samples: Fisher-Yates.
std::vector<std::int64_t> draw_order(std::int64_t count, std::uint64_t seed, std::int64_t epoch);

/// The placement of the sample at `position` in the order of epoch `epoch`: shifts of up to `padding` pixels,
/// all equally likely, and flipped with probability `flip`.
Placement draw_placement(std::uint64_t seed, std::int64_t epoch, std::int64_t position, std::int64_t padding,
                         double flip);

/// A sample of a batch: which image of the data set it is, and its class.
struct Sample {
  std::int64_t index = 0;
  std::int64_t label = 0;
};

/// Reads sample `i` of a batch into `image`, which has the builder's size. Nothing where it is left out.
using ReadSample = std::function<std::optional<Sample>(std::int64_t i, Image& image)>;

/// Turns samples into batches: padded, placed, normalised, sixteen images side by side. Immutable.
class BatchBuilder {
 public:
  /// Throws UsageError when the normalisation does not fit images of shape `image`.
  BatchBuilder(const Shape& image, const Normalisation& normalisation);

  /// A batch of `count` samples, or fewer where some are left out; without images where all are. `placements`
  /// is as long, or empty for none.
  Batch build(std::int64_t count, const ReadSample& read, std::span<const Placement> placements) const;

 private:
  void build_block(std::span<const Image> images, std::span<const Placement> placements, std::int64_t lanes,
                   float* to) const;
  void place_row(const Image& image, const Placement& placement, std::int64_t y, std::uint8_t* row) const;
  template <typename Lanes>
  void emit_row(const std::uint8_t* rows, Lanes lanes, float* to) const;

  Shape image_;
  std::int64_t pad_;
  std::int64_t height_;  // of the output
  std::int64_t width_;
  std::vector<float> table_;  // [C][256]: what a byte becomes
};

}  // namespace satsuma::data

#pragma once

#include <cstdint>
#include <memory>

#include "satsuma/core/integer.hpp"
#include "satsuma/core/tensor.hpp"
#include "satsuma/sparse/pattern.hpp"
#include "src/cpu/kernels/kernels.hpp"

namespace satsuma::cpu {

/// An output gradient of which each image and pixel keeps N of M neighbouring output channels, the largest
/// magnitudes: [pixel][block of output channels][image][entry], pixels of all blocks of sixteen images.
class PrunedForm {
 public:
  /// Prunes `dy`, batch-blocked, as compress_reference() prunes a weight. Blocks are `channel_block`
  /// channels, whole groups; an entry's offset counts `row_bytes` for each channel of its block.
  PrunedForm(const Tensor& dy, Pattern pattern, std::int64_t channel_block, std::int64_t row_bytes);

  std::int64_t blocks() const { return ceil_div(channels_, channel_block_); }
  /// Entries of an image in a block of output channels.
  std::int64_t per_image(std::int64_t block) const { return kept_before(block + 1) - kept_before(block); }
  /// Those of the first image of a pixel; `pixel` counts over blocks of images, rows and columns.
  const NmEntry* entries(std::int64_t pixel, std::int64_t block) const;

 private:
  class Writer;
  std::int64_t kept_before(std::int64_t block) const;

  Pattern pattern_;
  std::int64_t channels_;
  std::int64_t channel_block_;
  std::shared_ptr<std::byte> memory_;
  NmEntry* entries_;
};

/// Output channels that a block is made of whole multiples of.
std::int64_t pruned_unit(Pattern pattern);

}  // namespace satsuma::cpu

#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "satsuma/core/integer.hpp"
#include "satsuma/core/tensor.hpp"
#include "satsuma/sparse/pattern.hpp"
#include "src/cpu/kernels/kernels.hpp"

namespace satsuma::cpu {

/// An output gradient of which each image and pixel keeps N of M neighbouring output channels, the largest///
/// magnitudes: [pixel][block of output channels][image][item], pixels of all blocks of sixteen images. An
/// item is an NmEntry or, where pairs are wanted, an NmPair, of which an odd last one holds a zero.
class PrunedForm {
 public:
  /// Prunes `dy`, batch-blocked, as compress_reference() prunes a weight. Blocks are `channel_block`
  /// channels,/// whole groups; an item's offset counts `row_bytes` for each channel of its block. What is
  /// kept is rounded to `operands`.
  PrunedForm(const Tensor& dy, Pattern pattern, std::int64_t channel_block, std::int64_t row_bytes,
             DType operands, bool pairs);

  std::int64_t blocks() const {
    return ceil_div(channels_, channel_block_);
  }  /// Items of an image in a block of output channels.
  std::int64_t per_image(std::int64_t block) const;
  /// Those of the first image of a pixel; `pixel` counts over blocks of images, rows and columns.
  std::byte* items(std::int64_t pixel, std::int64_t block) const;

 private:
  class Writer;
  std::int64_t channels_in(std::int64_t block) const;

  Pattern pattern_;
  std::int64_t channels_;
  std::int64_t channel_block_;
  DType operands_;
  bool pairs_;
  std::shared_ptr<std::byte> memory_;
};

/// Output channels that a block is made of whole multiples of.
std::int64_t pruned_unit(Pattern pattern);

}  // namespace satsuma::cpu

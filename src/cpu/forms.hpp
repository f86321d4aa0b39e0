#pragma once

#include <cstdint>
#include <vector>

#include "satsuma/sparse/packed.hpp"
#include "src/cpu/kernels/kernels.hpp"
#include "src/cpu/scratch.hpp"

namespace satsuma::cpu {

/// Rows of a packed weight that one entry of a form holds.
inline int rows_together(Pattern pattern) {
  return pattern.shared > 1 ? kSharedRows : 1;
}

/// A packed weight as the N:M kernels read it: [channel block][row][tap][entry], where an entry holds the
/// kept value and the byte offset of its channel inside the block; where rows share positions there are pairs
/// of rows in place of rows. Made from PackedWeight and kept with it.
struct NmForm : DeviceForm {
  std::int64_t channel_block = 0;
  std::vector<NmWeights> blocks;  ///< one for each block of channels that are reduced over
  std::shared_ptr<std::byte> memory;
};

/// The form of `packed` for blocks of `channel_block` channels, made on the first call.
const NmForm& nm_form(const PackedWeight& packed, std::int64_t channel_block);

/// A dense weight as the dense kernels read it: [channel block][panel of rows][tap][channel][row in panel].
struct DenseForm {
  std::vector<DenseWeights> blocks;
  Scratch memory;
};

/// Rows are the output channels and channels the input channels of `weight` [K, C, R, S] (channels-last) in
/// the forward pass; `transposed` exchanges the two for backward data.
DenseForm dense_form(const Tensor& weight, std::int64_t channel_block, bool transposed);

}  // namespace satsuma::cpu

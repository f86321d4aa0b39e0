#pragma once

#include <memory>
#include <vector>

#include "satsuma/sparse/packed.hpp"
#include "src/cpu/kernels/bf16.hpp"
#include "src/cpu/scratch.hpp"

namespace satsuma::cpu {

/// A packed weight as the bf16 N:M kernels read it: [channel block][row][tap][pair of kept weights];
/// where rows share positions there are pairs of rows in place of rows. Made from PackedWeight and kept with
/// it.
struct NmPairForm : DeviceForm {
  std::int64_t channel_block = 0;
  std::vector<NmPairWeights> blocks;  ///< one for each block of channels that are reduced over
  std::shared_ptr<std::byte> memory;
};

/// The form of `packed` for blocks of `channel_block` <= kMostPairChannels channels, made on the first call.
const NmPairForm& nm_pair_form(const PackedWeight& packed, std::int64_t channel_block);

/// A dense weight as the bf16 dense kernels read it: [channel block][panel of rows][tap][channel pair][row].
struct DensePairForm {
  std::vector<DensePairWeights> blocks;
  Scratch memory;
};

/// `transposed` as in dense_form(); `channel_block` is even.
DensePairForm dense_pair_form(const Tensor& weight, std::int64_t channel_block, std::int64_t panel_rows,
                              bool transposed);

}  // namespace satsuma::cpu

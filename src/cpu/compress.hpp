#pragma once

#include "satsuma/device/update.hpp"
#include "satsuma/sparse/packed.hpp"

namespace satsuma::cpu {

/// compress_reference() for f32 weights in channels-last format, sixteen groups at a time.
PackedWeight compress(const Tensor& weight, GroupAxis axis, Pattern pattern);

/// `packed` with its values and indices, made of its source where it has none.
PackedWeight documented(const PackedWeight& packed);

/// mask_of() along input channels for the SR-STE term of a step on such a weight; undefined where it has
/// none.
Tensor mask_ff(const UpdateArgs& args);

}  // namespace satsuma::cpu

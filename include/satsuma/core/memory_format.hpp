#pragma once

#include <cstdint>

#include "satsuma/core/shape.hpp"

namespace satsuma {

/// How the elements of a tensor lie in memory. The logical shape is `[N, C, H, W]`, `[N, T, D]`, ... in all
/// of them.
enum class MemoryFormat : std::uint8_t {
  row_major,      ///< last axis innermost
  channels_last,  ///< axis 1 innermost: `N, H, W, C`; the format of weights `[K, C, R, S]`
  batch_blocked,  ///< `N/16, H, W, C, 16`: sixteen images side by side, so that a vector register holds one
                  ///< element of sixteen images; the format of activations, but for the smallest batches,
                  ///< which are channels-last. Rank 3 is `N/16, T, D, 16`.
};

/// Images in one block of MemoryFormat::batch_blocked. The last block is padded.
inline constexpr std::int64_t kLanes = 16;

/// Position of an element `(i0, i1, ...)`: `(i0 / lanes) * strides[0] + i0 % lanes + sum_k>0 i_k *
/// strides[k]`. With one lane these are ordinary strides.
struct Layout {
  Shape strides;
  std::int64_t lanes = 1;

  bool operator==(const Layout& other) const = default;
};

/// Dense layout of a shape in a format.
Layout layout_of(const Shape& shape, MemoryFormat format);

/// Elements of storage that a dense tensor takes, padding lanes included.
std::int64_t storage_extent(const Shape& shape, const Layout& layout);

}  // namespace satsuma

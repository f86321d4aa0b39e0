#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "satsuma/sparse/packed.hpp"

namespace satsuma {

/// A weight packed along both of its axes, by one mask: an element is in both or in neither.
struct TransposableWeight {
  PackedWeight ff;  ///< along input channels
  PackedWeight bp;  ///< along output channels
};

/// `weight` [K, C, R, S] pruned so that each M x M block of output and input channels keeps, at each tap, N
/// elements in every row and in every column: those with the largest sum of magnitudes that can be had so
/// (transposable masks, arXiv 2102.08124, which states it as a min-cost flow; solved exactly here).
/// Infinities and NaN count as the largest float. Throws ShapeError unless the weight has rank 4 and K and C
/// are multiples of M, UsageError for positions shared by rows.
TransposableWeight compress_transposable(const Tensor& weight, Pattern pattern);

/// The mask of one block: `magnitudes` are m x m, row by row; ones where an element is kept. Throws
/// ShapeError unless they are m * m.
std::vector<std::uint8_t> transposable_mask(std::span<const double> magnitudes, Pattern pattern);

}  // namespace satsuma

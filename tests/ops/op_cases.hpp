#pragma once

#include <functional>
#include <string>
#include <vector>

#include "array.hpp"
#include "support/gradient_check.hpp"

namespace satsuma::testing {

/// Stands for the size of the batch in OpCase::shapes.
inline constexpr std::int64_t kBatch = -1;

/// A differentiable function as it is tested: on inputs of these shapes, against a plain version in doubles.
struct OpCase {
  std::string name;
  std::vector<Shape> shapes;
  TensorFunction op;
  std::function<Array(const std::vector<Array>&)> plain;
  /// Smallest batch for which the function is defined (batch normalisation of single values).
  std::int64_t least_batch = 1;
  /// Inputs whose order no small step changes, for functions that choose the largest.
  bool distinct = false;

  /// Random inputs for a batch; those of rank 2 or more in `format`.
  std::vector<Tensor> inputs(std::int64_t batch, DType dtype, MemoryFormat format) const;
};

const std::vector<OpCase>& op_cases();
/// Batches that fill a block of lanes not at all, by one less, just, by one more, and several and one.
inline constexpr std::int64_t kBatches[] = {1, 2, 7, 16, 17, 65};
inline constexpr MemoryFormat kFormats[] = {MemoryFormat::row_major, MemoryFormat::channels_last,
                                            MemoryFormat::batch_blocked};

}  // namespace satsuma::testing

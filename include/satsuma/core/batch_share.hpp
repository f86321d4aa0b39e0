#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace satsuma {

/// What this thread works on of a batch that several processes share: images [first, first + n) of `whole`.
/// Whoever draws a random number for an image, or adds up over the batch, asks for it, so that processes do
/// together what one would do.
struct BatchShare {
  std::int64_t first = 0;
  std::int64_t whole = 0;  ///< 0 where the batch is not shared
  /// The numbers of all processes, those of the first one first, of as many as each gives; all have to call
  /// it in the same order. Empty where statistics of a batch are those of the share.
  std::function<std::vector<double>(std::span<const double>)> gather = {};
};

/// The share under work on this thread.
const BatchShare& batch_share();

/// Sets batch_share() for a scope: a step's forward or backward pass. `share` outlives it.
class SharedBatch {
 public:
  explicit SharedBatch(const BatchShare& share);
  ~SharedBatch();
  SharedBatch(const SharedBatch&) = delete;
  SharedBatch& operator=(const SharedBatch&) = delete;

 private:
  const BatchShare* before_;
};

}  // namespace satsuma

#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "satsuma/core/tensor.hpp"
#include "satsuma/data/dataset.hpp"

namespace satsuma::data {

struct Batch {
  Tensor images;   ///< [N, C, H, W], f32, batch-blocked, normalised
  Tensor labels;   ///< [N], i64
  Tensor targets;  ///< [N, classes], f32: share of each class; undefined unless mixup or cutmix mixed images
};

enum class Augment : std::uint8_t {
  none,
  standard,  ///< random crop from 4 pixels of padding, random horizontal flip
};
/// Throws UsageError with the known names and the nearest one.
Augment parse_augment(std::string_view name);
std::string_view to_string(Augment augment);

struct LoaderOptions {
  std::int64_t batch_size = 128;
  bool shuffle = true;
  /// Leaves out an incomplete last batch (training); otherwise it is delivered short (evaluation).
  bool drop_last = true;
  Augment augment = Augment::none;
  std::uint64_t seed = 0;
  int threads = 1;   ///< worker threads that prepare batches ahead
  int prefetch = 4;  ///< batches kept ready
};

/// Delivers the batches of an epoch, prepared ahead by worker threads. What a batch holds depends on the
/// seed, the epoch and the batch's number alone, never on timing or on the number of workers, so that a run
/// can be resumed anywhere. start() and next() are for one thread; a Loader may be destroyed or started anew
/// at any moment.
class Loader {
 public:
  /// Throws UsageError when the batch size is below 1 or leaves no batch, or the normalisation does not fit
  /// the images.
  Loader(std::shared_ptr<const Dataset> dataset, Normalisation normalisation, LoaderOptions options);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  std::int64_t batches_per_epoch() const;
  /// Starts epoch `epoch` at batch `first`; the batches are those of the whole epoch from there on. Throws
  /// UsageError when the epoch has no such batch (its number of batches is allowed: nothing is left then).
  void start(std::int64_t epoch, std::int64_t first = 0);
  /// The next batch; false at the end of the epoch. Rethrows what a worker threw, each time until start() is
  /// called.
  bool next(Batch& batch);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace satsuma::data

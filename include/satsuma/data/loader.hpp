#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "satsuma/core/tensor.hpp"
#include "satsuma/data/augment.hpp"
#include "satsuma/data/dataset.hpp"

namespace satsuma::data {

struct Batch {
  Tensor images;   ///< [N, C, H, W], f32, batch-blocked, normalised
  Tensor labels;   ///< [N], i64
  Tensor targets;  ///< [N, classes], f32: share of each class; undefined unless mixup or cutmix mixed images
  std::vector<std::int64_t> indices;  ///< [N]: which images of the data set these are
  std::int64_t first = 0;             ///< place of its first image in the epoch's order
};

/// What becomes of an image that cannot be read.
enum class BadImages : std::uint8_t {
  refuse,     ///< the batch fails, with the name of the image
  replace,    ///< the next in the epoch's order that can be read takes its place: batches stay full
  leave_out,  ///< its batch is shorter by one: every image that can be read is there once
};

struct LoaderOptions {
  std::int64_t batch_size = 128;
  bool shuffle = true;
  /// Leaves out an incomplete last batch (training); otherwise it is delivered short (evaluation).
  bool drop_last = true;
  Augmentation augment = {};
  /// Of Preprocess: images are brought to their size before they are augmented, or instead by
  /// random-resized-crop.
  std::int64_t resize = 0;
  std::int64_t crop = 0;
  std::uint64_t seed = 0;
  int threads = 1;   ///< worker threads that prepare batches ahead
  int prefetch = 4;  ///< batches kept ready; at least one more than there are threads keeps them all busy
  BadImages bad = BadImages::refuse;
  /// Where `ranks` processes share the work, what process `rank` gets: of each batch the images of
  /// share_of(), or where whole batches are shared those whose number is `rank` modulo `ranks`. All get
  /// together what one would.
  int rank = 0;
  int ranks = 1;
  bool share_batches = false;
};

/// Delivers the batches of an epoch, prepared ahead by worker threads. What a batch holds depends on the
/// seed, the epoch and the batch's number alone, never on timing or on the number of workers, so that a run
/// can be resumed anywhere: each sample has a random stream of its own. start() and next() are for one
/// thread; a Loader may be destroyed or started anew at any moment.
class Loader {
 public:
  /// Throws UsageError when the batch size is below 1 or leaves no batch, or the normalisation, the sizes or
  /// the augmentation do not fit the images.
  Loader(std::shared_ptr<const Dataset> dataset, Normalisation normalisation, LoaderOptions options);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  /// Of all processes that share them.
  std::int64_t batches_per_epoch() const;
  /// Of the data set.
  std::int64_t images() const;
  /// Starts epoch `epoch` at batch `first`; the batches are those of the whole epoch from there on. Throws
  /// UsageError when the epoch has no such batch (its number of batches is allowed: nothing is left then).
  void start(std::int64_t epoch, std::int64_t first = 0);
  /// The next batch, which has an image at least; false at the end of the epoch. Rethrows what a worker
  /// threw, each time until start() is called.
  bool next(Batch& batch);

  /// [C, H, W] of the images that come out.
  const Shape& output() const;
  /// Images that could not be read so far and were passed over, by index.
  std::vector<std::int64_t> bad_images() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace satsuma::data

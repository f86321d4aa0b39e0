#include "satsuma/data/loader.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <numeric>
#include <optional>
#include <set>
#include <stop_token>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/data/preprocess.hpp"
#include "satsuma/data/share.hpp"
#include "src/core/per_thread.hpp"
#include "src/data/batch_builder.hpp"
#include "src/data/none_readable.hpp"
#include "src/data/sample_maker.hpp"
#include "src/data/transforms/erasing.hpp"
#include "src/data/transforms/mix.hpp"

namespace satsuma::data {

namespace {

/// Batches of an epoch. Throws UsageError for options that make no sense with `size` samples.
std::int64_t checked_batches(std::int64_t size, const LoaderOptions& options) {
  if (options.batch_size < 1) {
    throw UsageError(fmt::format("--batch-size got {}, expected 1 or more", options.batch_size));
  }
  if (options.threads < 1)
    throw UsageError(fmt::format("[loader] got {} threads, expected 1 or more", options.threads));
  if (options.prefetch < 1) {
    throw UsageError(
        fmt::format("[loader] got {} batches to prefetch, expected 1 or more", options.prefetch));
  }
  if (size < 1) throw UsageError("[loader] the data set has no images");
  if (options.drop_last && options.batch_size > size) {
    throw UsageError(
        fmt::format("--batch-size {} is larger than the data set, which has {} images; no full batch is left",
                    options.batch_size, size));
  }
  if (!options.share_batches && options.batch_size < options.ranks) {
    throw UsageError(
        fmt::format("--batch-size got {}, expected at least one image for each of the {} ranks that share it",
                    options.batch_size, options.ranks));
  }
  const bool short_last = !options.drop_last && size % options.batch_size != 0;
  return size / options.batch_size + (short_last ? 1 : 0);
}

// High halves of the random streams; the epoch is the low half.
constexpr std::uint64_t kSampleStream = std::uint64_t{0x53414D50} << 32;
constexpr std::uint64_t kErasingStream = std::uint64_t{0x45524153} << 32;
constexpr std::uint64_t kMixingStream = std::uint64_t{0x4D495842} << 32;
constexpr std::uint64_t kDrawsPerSample = 1 << 12;  ///< more than the longest list takes

double alpha_of(const Augmentation& augment, std::string_view name) {
  const Augmentation::Step* const step = augment.find(name);
  return step == nullptr ? 0 : step->numbers[0];
}

/// Of pictures that have their border already.
Normalisation without_border(Normalisation normalisation) {
  normalisation.pad = 0;
  return normalisation;
}

}  // namespace

/// Workers claim batches by number and put them into a ring of `prefetch` slots, batch b into slot b / stride
/// % prefetch; a batch is claimed only when its slot is free. start() replaces the epoch, and a worker that
/// comes back with a batch of an epoch no longer current drops it: nobody waits for anybody.
struct Loader::Impl {
  struct Epoch {
    std::int64_t number = 0;
    std::vector<std::int64_t> order;
  };
  struct Slot {
    bool ready = false;
    Batch batch;
    std::exception_ptr failure;
  };

  Impl(std::shared_ptr<const Dataset> source, const Normalisation& normalisation, const LoaderOptions& wanted)
      : dataset(std::move(source)),
        options(wanted),
        batches(checked_batches(dataset->size(), wanted)),
        preprocess(dataset->image_shape(), normalisation, wanted.resize, wanted.crop),
        augment(wanted.augment.expanded(preprocess.resizes())),
        maker(preprocess, augment),
        builder(maker.shift() ? dataset->image_shape() : preprocess.output(),
                maker.shift() ? normalisation : without_border(normalisation)),
        stride(wanted.share_batches ? wanted.ranks : 1),
        mixing{alpha_of(augment, "mixup"), alpha_of(augment, "cutmix")},
        ring(static_cast<std::size_t>(std::min<std::int64_t>(wanted.prefetch, batches))) {
    try {
      for (int i = 0; i < options.threads; ++i) {
        workers.emplace_back([this](const std::stop_token& stop) { work(stop); });
      }
    } catch (const std::system_error& failure) {
      throw Error(fmt::format("cannot start {} loader threads: {}", options.threads, failure.what()));
    }
  }

  Slot& slot(std::int64_t batch) { return ring[static_cast<std::size_t>(batch / stride) % ring.size()]; }

  void start(std::int64_t number, std::int64_t first) {
    if (number < 0 || first < 0 || first > batches) {
      throw UsageError(fmt::format("[loader] cannot start epoch {} at batch {}: an epoch has {} batches",
                                   number, first, batches));
    }
    auto next_epoch = std::make_shared<Epoch>();
    next_epoch->number = number;
    if (options.shuffle) {
      next_epoch->order = draw_order(dataset->size(), options.seed, number);
    } else {
      next_epoch->order.resize(static_cast<std::size_t>(dataset->size()));
      std::iota(next_epoch->order.begin(), next_epoch->order.end(), std::int64_t{0});
    }
    {
      std::lock_guard lock(mutex);
      epoch = std::move(next_epoch);
      claimed = delivered = first + (options.share_batches ? options.rank : 0);
      std::fill(ring.begin(), ring.end(), Slot{});
    }
    room.notify_all();
  }

  bool next(Batch& batch) {
    std::unique_lock lock(mutex);
    if (!epoch) throw UsageError("[loader] next() was called before start()");
    while (delivered < batches) {
      Slot& wanted = slot(delivered);
      ready.wait(lock, [&] { return wanted.ready; });
      // A failed batch stays where it is: asking again fails again, until start().
      if (wanted.failure) std::rethrow_exception(wanted.failure);
      batch = std::move(wanted.batch);
      wanted = Slot{};
      delivered += stride;
      room.notify_one();
      if (!batch.indices.empty()) return true;  // else all of its images are left out
    }
    lock.unlock();
    check_any_good();
    return false;
  }

  void work(const std::stop_token& stop) {
    std::unique_lock lock(mutex);
    const auto may_claim = [&] {
      return epoch && claimed < batches &&
             claimed - delivered < static_cast<std::int64_t>(ring.size()) * stride;
    };
    while (room.wait(lock, stop, may_claim) && !stop.stop_requested()) {
      const std::int64_t number = std::exchange(claimed, claimed + stride);
      const std::shared_ptr<const Epoch> mine = epoch;
      lock.unlock();
      Slot made;
      made.ready = true;
      try {
        made.batch = make(*mine, number);
      } catch (...) {
        made.failure = std::current_exception();
      }
      lock.lock();
      if (mine != epoch) continue;
      slot(number) = std::move(made);
      ready.notify_one();
    }
  }

  /// The batch, or this process's share of it.
  Batch make(const Epoch& of, std::int64_t number) {
    const std::int64_t begin = number * options.batch_size;
    const std::int64_t whole = std::min(options.batch_size, dataset->size() - begin);
    const bool shared = options.ranks > 1 && !options.share_batches;
    const ImageRange own = shared ? share_of(whole, options.rank, options.ranks) : ImageRange{0, whole};
    Batch batch = build(of, begin + own.first, own.count);
    // An image is mixed with the one before it, which may be another process's.
    Batch before;
    if (mixing.on() && shared) before = build(of, begin + (own.first + whole - 1) % whole, 1);
    Rng rng = stream(kMixingStream, of, number);
    mixing.apply(batch, dataset->classes(), rng, before);
    return batch;
  }

  /// Images of the epoch's order, but not mixed.
  Batch build(const Epoch& of, std::int64_t first, std::int64_t count) {
    std::vector<Placement> placements;
    if (const auto& shift = maker.shift(); shift && (shift->padding > 0 || shift->flip > 0)) {
      placements.reserve(static_cast<std::size_t>(count));
      for (std::int64_t i = 0; i < count; ++i) {
        placements.push_back(draw_placement(options.seed, of.number, first + i, shift->padding, shift->flip));
      }
    }
    static PerThread<Image> scratches;
    Image& scratch = scratches.get();
    const auto read = [&](std::int64_t i, Image& image) {
      return read_sample(of, first + i, image, scratch);
    };
    Batch batch = builder.build(count, read, placements);
    if (const Augmentation::Step* const erasing = augment.find("random-erasing")) {
      for (std::int64_t i = 0; i < count; ++i) {
        Rng rng = stream(kErasingStream, of, first + i);
        erase(batch.images, i,
              draw_erasing(erasing->numbers[0], batch.images.dim(2), batch.images.dim(3), rng));
      }
    }
    batch.first = first;
    return batch;
  }

  /// A stream of its own for each number of an epoch.
  Rng stream(std::uint64_t kind, const Epoch& of, std::int64_t number) const {
    Rng rng(options.seed, kind + static_cast<std::uint64_t>(of.number));
    rng.seek(static_cast<std::uint64_t>(number) * kDrawsPerSample);
    return rng;
  }

  /// Reads and makes the sample at `position`, or, where bad images are replaced, the next one that can be.
  std::optional<Sample> read_sample(const Epoch& of, std::int64_t position, Image& image, Image& scratch) {
    const auto size = static_cast<std::int64_t>(of.order.size());
    const std::int64_t tries = options.bad == BadImages::replace ? size : 1;
    for (std::int64_t later = 0; later < tries; ++later) {
      const std::int64_t index = of.order[static_cast<std::size_t>((position + later) % size)];
      if (is_bad(index)) continue;
      try {
        make_sample(of, position, index, image, scratch);
        return Sample{index, dataset->label(index)};
      } catch (const FormatError&) {
        pass_over(index);
      } catch (const IoError&) {
        pass_over(index);
      }
    }
    if (options.bad == BadImages::replace) check_any_good();
    return std::nullopt;
  }

  /// Called while what is wrong with the image is being handled.
  void pass_over(std::int64_t index) {
    if (options.bad == BadImages::refuse) throw;
    std::lock_guard lock(bad_mutex);
    bad.insert(index);
  }

  void check_any_good() {
    std::lock_guard lock(bad_mutex);
    if (static_cast<std::int64_t>(bad.size()) >= dataset->size()) refuse_none_readable();
  }

  bool is_bad(std::int64_t index) {
    std::lock_guard lock(bad_mutex);
    return bad.count(index) > 0;
  }

  void make_sample(const Epoch& of, std::int64_t position, std::int64_t index, Image& image,
                   Image& scratch) const {
    dataset->read(index, image, maker.least_side());
    if (maker.shift()) {
      check_size(image, index);
      return;
    }
    Rng rng = stream(kSampleStream, of, position);
    try {
      maker.make(image, rng, scratch);
    } catch (const FormatError& error) {
      throw FormatError(fmt::format("{}: {}", dataset->name(index), error.what()));
    }
  }

  void check_size(const Image& image, std::int64_t index) const {
    const Shape expected = dataset->image_shape();
    if (Shape{image.channels, image.height, image.width} == expected) return;
    throw FormatError(fmt::format("{}: an image of {}x{}x{}, expected {}", dataset->name(index),
                                  image.channels, image.height, image.width, fmt::join(expected, "x")));
  }

  const std::shared_ptr<const Dataset> dataset;
  const LoaderOptions options;
  const std::int64_t batches;
  const Preprocess preprocess;
  const Augmentation augment;
  const SampleMaker maker;
  const BatchBuilder builder;
  const std::int64_t stride;  // from one batch of this process to the next
  const Mixing mixing;

  std::mutex mutex;  // guards all below
  std::condition_variable_any room;
  std::condition_variable_any ready;
  std::shared_ptr<const Epoch> epoch;
  std::int64_t claimed = 0;    // the next batch that a worker takes
  std::int64_t delivered = 0;  // the next batch that next() returns
  std::vector<Slot> ring;

  std::mutex bad_mutex;
  std::set<std::int64_t> bad;  // images that could not be read

  std::vector<std::jthread> workers;  // last, so that they end before what they use
};

Loader::Loader(std::shared_ptr<const Dataset> dataset, Normalisation normalisation, LoaderOptions options)
    : impl_(std::make_unique<Impl>(std::move(dataset), normalisation, options)) {}

Loader::~Loader() {
  for (auto& worker : impl_->workers) worker.request_stop();
}

std::int64_t Loader::batches_per_epoch() const {
  return impl_->batches;
}

std::int64_t Loader::images() const {
  return impl_->dataset->size();
}

void Loader::start(std::int64_t epoch, std::int64_t first) {
  impl_->start(epoch, first);
}

const Shape& Loader::output() const {
  return impl_->preprocess.output();
}

std::vector<std::int64_t> Loader::bad_images() const {
  std::lock_guard lock(impl_->bad_mutex);
  return {impl_->bad.begin(), impl_->bad.end()};
}

bool Loader::next(Batch& batch) {
  return impl_->next(batch);
}

}  // namespace satsuma::data

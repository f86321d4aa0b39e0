#include "satsuma/data/loader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <numeric>
#include <span>
#include <stop_token>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/core/nearest.hpp"
#include "src/data/batch_builder.hpp"

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
  const bool short_last = !options.drop_last && size % options.batch_size != 0;
  return size / options.batch_size + (short_last ? 1 : 0);
}

}  // namespace

Augment parse_augment(std::string_view name) {
  return find_named("augmentation", name, std::array{Augment::none, Augment::standard});
}

std::string_view to_string(Augment augment) {
  return augment == Augment::standard ? "standard" : "none";
}

/// Workers claim batches by number and put them into a ring of `prefetch` slots, batch b into slot b %
/// prefetch; a batch is claimed only when its slot is free. start() replaces the epoch, and a worker that
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
        builder(dataset->image_shape(), normalisation),
        ring(static_cast<std::size_t>(std::min<std::int64_t>(wanted.prefetch, batches))) {
    try {
      for (int i = 0; i < options.threads; ++i) {
        workers.emplace_back([this](const std::stop_token& stop) { work(stop); });
      }
    } catch (const std::system_error& failure) {
      throw Error(fmt::format("cannot start {} loader threads: {}", options.threads, failure.what()));
    }
  }

  Slot& slot(std::int64_t batch) { return ring[static_cast<std::size_t>(batch) % ring.size()]; }

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
      claimed = delivered = first;
      std::fill(ring.begin(), ring.end(), Slot{});
    }
    room.notify_all();
  }

  bool next(Batch& batch) {
    std::unique_lock lock(mutex);
    if (!epoch) throw UsageError("[loader] next() was called before start()");
    if (delivered == batches) return false;
    Slot& wanted = slot(delivered);
    ready.wait(lock, [&] { return wanted.ready; });
    // A failed batch stays where it is: asking again fails again, until start().
    if (wanted.failure) std::rethrow_exception(wanted.failure);
    batch = std::move(wanted.batch);
    wanted = Slot{};
    ++delivered;
    lock.unlock();
    room.notify_one();
    return true;
  }

  void work(const std::stop_token& stop) {
    std::unique_lock lock(mutex);
    const auto may_claim = [&] {
      return epoch && claimed < batches && claimed - delivered < static_cast<std::int64_t>(ring.size());
    };
    while (room.wait(lock, stop, may_claim) && !stop.stop_requested()) {
      const std::int64_t number = claimed++;
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

  Batch make(const Epoch& of, std::int64_t number) const {
    const std::int64_t first = number * options.batch_size;
    const std::int64_t count = std::min(options.batch_size, dataset->size() - first);
    std::vector<Placement> placements;
    if (options.augment == Augment::standard) {
      placements.reserve(static_cast<std::size_t>(count));
      for (std::int64_t i = 0; i < count; ++i) {
        placements.push_back(draw_placement(options.seed, of.number, first + i));
      }
    }
    const auto indices =
        std::span(of.order).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
    return builder.build(*dataset, indices, placements);
  }

  const std::shared_ptr<const Dataset> dataset;
  const LoaderOptions options;
  const std::int64_t batches;
  const BatchBuilder builder;

  std::mutex mutex;  // guards all below
  std::condition_variable_any room;
  std::condition_variable_any ready;
  std::shared_ptr<const Epoch> epoch;
  std::int64_t claimed = 0;    // the next batch that a worker takes
  std::int64_t delivered = 0;  // the next batch that next() returns
  std::vector<Slot> ring;

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

void Loader::start(std::int64_t epoch, std::int64_t first) {
  impl_->start(epoch, first);
}

bool Loader::next(Batch& batch) {
  return impl_->next(batch);
}

}  // namespace satsuma::data

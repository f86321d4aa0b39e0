#include "satsuma/data/loader.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <numeric>
#include <thread>

#include "satsuma/core/allocator.hpp"
#include "satsuma/data/memory_dataset.hpp"
#include "src/data/batch_builder.hpp"
#include "support.hpp"

using namespace satsuma;
using namespace satsuma::data_tests;
using data::Batch;
using data::Loader;
using data::LoaderOptions;
using data::Normalisation;

namespace {

/// Images whose label is their index, so that a batch tells which samples it holds.
std::shared_ptr<data::MemoryDataset> numbered(std::int64_t count, const Shape& image = {2, 5, 7}) {
  std::vector<std::int64_t> labels(static_cast<std::size_t>(count));
  std::iota(labels.begin(), labels.end(), std::int64_t{0});
  return std::make_shared<data::MemoryDataset>(
      image, count, pattern(static_cast<std::size_t>(count * image.numel())), labels);
}

const Normalisation kPlain{{0.25, 0.5}, {0.5, 2.0}, 1};

LoaderOptions options_of(std::int64_t batch_size, const char* augment = "standard") {
  LoaderOptions options;
  options.batch_size = batch_size;
  options.augment = data::parse_augment(augment);
  options.seed = 42;
  return options;
}

std::vector<Batch> rest_of_epoch(Loader& loader) {
  std::vector<Batch> batches;
  Batch batch;
  while (loader.next(batch)) batches.push_back(batch);
  return batches;
}

std::vector<Batch> epoch_of(Loader& loader, std::int64_t epoch, std::int64_t first = 0) {
  loader.start(epoch, first);
  return rest_of_epoch(loader);
}

/// Same labels, same bits, padding lanes included.
bool same(const Batch& a, const Batch& b) {
  return a.images.shape() == b.images.shape() &&
         a.labels.to_vector<std::int64_t>() == b.labels.to_vector<std::int64_t>() &&
         std::memcmp(a.images.raw(), b.images.raw(),
                     static_cast<std::size_t>(a.images.extent()) * sizeof(float)) == 0;
}

bool same(const std::vector<Batch>& a, const std::vector<Batch>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& x, const auto& y) { return same(x, y); });
}

std::vector<std::int64_t> labels_of(const std::vector<Batch>& batches) {
  std::vector<std::int64_t> labels;
  for (const Batch& batch : batches) {
    const auto part = batch.labels.to_vector<std::int64_t>();
    labels.insert(labels.end(), part.begin(), part.end());
  }
  return labels;
}

}  // namespace

TEST_CASE("a batch is exactly the padded, placed, normalised images") {
  // The slow way: build the padded image, crop it from a border of black, flip it, normalise it.
  const Shape image{2, 5, 7};
  const std::int64_t pad = kPlain.pad;
  const std::int64_t height = image[1] + 2 * pad;
  const std::int64_t width = image[2] + 2 * pad;
  const auto dataset = numbered(77, image);
  for (const std::string augment : {"none", "standard"}) {
    LoaderOptions options = options_of(20, augment.c_str());
    options.drop_last = false;
    Loader loader(dataset, kPlain, options);
    const auto batches = epoch_of(loader, 3);
    REQUIRE(batches.size() == 4);
    std::int64_t position = 0;
    for (const Batch& batch : batches) {
      const std::int64_t count = batch.labels.dim(0);
      REQUIRE(batch.images.shape() == Shape{count, image[0], height, width});
      REQUIRE(batch.images.is(MemoryFormat::batch_blocked));
      const float* const got = batch.images.data<float>();
      bool equal = true;
      for (std::int64_t n = 0; n < count; ++n, ++position) {
        const Bytes bytes =
            planes_of(*dataset, batch.labels.to_vector<std::int64_t>()[static_cast<std::size_t>(n)]);
        const data::Placement at =
            augment == "standard" ? data::draw_placement(42, 3, position, 4, 0.5) : data::Placement{};
        for (std::int64_t c = 0; c < image[0]; ++c) {
          std::map<std::pair<std::int64_t, std::int64_t>, int> bordered;
          for (std::int64_t y = 0; y < image[1]; ++y) {
            for (std::int64_t x = 0; x < image[2]; ++x) {
              bordered[{y + pad + 4, x + pad + 4}] =
                  bytes[static_cast<std::size_t>((c * image[1] + y) * image[2] + x)];
            }
          }
          for (std::int64_t y = 0; y < height; ++y) {
            for (std::int64_t x = 0; x < width; ++x) {
              const std::int64_t cropped_x = at.flip ? width - 1 - x : x;
              const auto found = bordered.find({y + 4 + at.dy, cropped_x + 4 + at.dx});
              const int byte = found == bordered.end() ? 0 : found->second;
              const double mean = kPlain.mean[static_cast<std::size_t>(c)];
              const double std = kPlain.std[static_cast<std::size_t>(c)];
              equal = equal && got[batch.images.offset({n, c, y, x})] ==
                                   static_cast<float>((byte / 255.0 - mean) / std);
            }
          }
        }
      }
      CHECK(equal);
    }
  }
}

TEST_CASE("placements stay in bounds, use all of them about equally, and do not depend on each other") {
  std::array<std::array<int, 9>, 9> shifts{};
  int flips = 0;
  constexpr int kCount = 81'000;
  for (std::int64_t position = 0; position < kCount; ++position) {
    const data::Placement at = data::draw_placement(1, 2, position, 4, 0.5);
    REQUIRE(std::abs(at.dy) <= 4);
    REQUIRE(std::abs(at.dx) <= 4);
    ++shifts[static_cast<std::size_t>(at.dy + 4)][static_cast<std::size_t>(at.dx + 4)];
    flips += at.flip;
  }
  for (const auto& row : shifts) {
    for (const int count : row) CHECK(std::abs(count - 1000) < 160);  // five standard deviations
  }
  CHECK(std::abs(flips - kCount / 2) < 720);
  int equal = 0;
  for (std::int64_t position = 0; position < 1000; ++position) {
    const auto a = data::draw_placement(1, 2, position, 4, 0.5);
    const auto b = data::draw_placement(1, 3, position, 4, 0.5);
    equal += a.dy == b.dy && a.dx == b.dx && a.flip == b.flip;
  }
  CHECK(equal < 30);
}

TEST_CASE("an image narrower than the shift leaves black, not a neighbour's pixels") {
  const data::MemoryDataset dataset({1, 2, 1}, 1, {200, 100}, {0});
  const data::BatchBuilder builder({1, 2, 1}, {{0.0}, {1.0}, 0});
  const auto read = [&](std::int64_t i, data::Image& image) {
    dataset.read(i, image);
    return data::Sample{};
  };
  for (std::int64_t dy = -4; dy <= 4; ++dy) {
    for (std::int64_t dx = -4; dx <= 4; ++dx) {
      const std::vector<data::Placement> placements = {{dy, dx, (dx + dy) % 2 != 0}};
      const auto values = builder.build(1, read, placements).images.to_vector<float>();
      const auto expected = [&](std::int64_t y) {
        return dx != 0 || y + dy < 0 || y + dy > 1 ? 0.0f
                                                   : static_cast<float>((y + dy == 0 ? 200 : 100) / 255.0);
      };
      CHECK(values == std::vector<float>{expected(0), expected(1)});
    }
  }
}

TEST_CASE("batches do not depend on the number of workers or on prefetching") {
  const auto dataset = numbered(203);
  std::vector<Batch> expected;
  for (const int threads : {1, 2, 3, 8}) {
    for (const int prefetch : {1, 2, 5, 100}) {
      LoaderOptions options = options_of(16);
      options.threads = threads;
      options.prefetch = prefetch;
      Loader loader(dataset, kPlain, options);
      const auto got = epoch_of(loader, 7);
      if (expected.empty()) expected = got;
      CHECK(got.size() == 12);
      CHECK(same(got, expected));
    }
  }
}

TEST_CASE("an epoch resumed at any batch is the rest of the uninterrupted one") {
  const auto dataset = numbered(90);
  LoaderOptions options = options_of(16);
  options.drop_last = false;
  options.threads = 2;
  Loader loader(dataset, kPlain, options);
  const auto whole = epoch_of(loader, 5);
  for (std::int64_t first = 0; first <= loader.batches_per_epoch(); ++first) {
    CAPTURE(first);
    Loader fresh(dataset, kPlain, options);
    const std::vector<Batch> rest(whole.begin() + first, whole.end());
    CHECK(same(epoch_of(fresh, 5, first), rest));
    CHECK(same(epoch_of(loader, 5, first), rest));
  }
}

TEST_CASE("an epoch holds every sample once, in an order of its own") {
  constexpr std::int64_t kCount = 1000;
  LoaderOptions options = options_of(64, "none");
  options.drop_last = false;
  options.threads = 2;
  Loader loader(numbered(kCount, {1, 2, 2}), {{0.5}, {0.5}, 0}, options);
  std::vector<std::int64_t> all(kCount);
  std::iota(all.begin(), all.end(), std::int64_t{0});
  std::vector<std::vector<std::int64_t>> orders;
  for (std::int64_t epoch = 0; epoch < 4; ++epoch) {
    orders.push_back(labels_of(epoch_of(loader, epoch)));
    auto sorted = orders.back();
    std::sort(sorted.begin(), sorted.end());
    CHECK(sorted == all);
    CHECK(orders.back() != all);
    for (std::int64_t earlier = 0; earlier < epoch; ++earlier) {
      CHECK(orders[static_cast<std::size_t>(earlier)] != orders.back());
    }
  }
  CHECK(labels_of(epoch_of(loader, 2)) == orders[2]);
  options.seed = 43;
  Loader other(numbered(kCount, {1, 2, 2}), {{0.5}, {0.5}, 0}, options);
  CHECK(labels_of(epoch_of(other, 2)) != orders[2]);
  options.shuffle = false;
  Loader in_order(numbered(kCount, {1, 2, 2}), {{0.5}, {0.5}, 0}, options);
  CHECK(labels_of(epoch_of(in_order, 2)) == all);
}

TEST_CASE("shuffling favours no place") {
  std::array<std::array<int, 6>, 6> seen{};
  for (std::int64_t epoch = 0; epoch < 6000; ++epoch) {
    const auto order = data::draw_order(6, 9, epoch);
    for (std::size_t i = 0; i < 6; ++i) ++seen[i][static_cast<std::size_t>(order[i])];
  }
  for (const auto& row : seen) {
    for (const int count : row) CHECK(std::abs(count - 1000) < 145);  // five standard deviations
  }
}

TEST_CASE("the last batch is short or left out, and its padding lanes are zero") {
  const auto dataset = numbered(37);
  LoaderOptions options = options_of(16);
  Loader dropping(dataset, kPlain, options);
  CHECK(dropping.batches_per_epoch() == 2);
  CHECK(labels_of(epoch_of(dropping, 0)).size() == 32);
  options.drop_last = false;
  Loader keeping(dataset, kPlain, options);
  CHECK(keeping.batches_per_epoch() == 3);
  for (int epoch = 0; epoch < 3; ++epoch) {  // blocks come back from the cache with old numbers in them
    const Batch last = epoch_of(keeping, epoch).back();
    REQUIRE(last.images.shape() == Shape{5, 2, 7, 9});
    REQUIRE(last.images.extent() == 16 * 2 * 7 * 9);
    const float* const values = last.images.data<float>();
    bool zero = true;
    for (std::int64_t i = 0; i < last.images.extent(); ++i) zero = zero && (i % 16 < 5 || values[i] == 0.0f);
    CHECK(zero);
  }
  // Odd batch sizes have padding in every batch.
  for (const std::int64_t size : {std::int64_t{1}, std::int64_t{7}, std::int64_t{37}, std::int64_t{65},
                                  std::numeric_limits<std::int64_t>::max()}) {
    options.batch_size = size;
    Loader odd(dataset, kPlain, options);
    CHECK(labels_of(epoch_of(odd, 0)).size() == 37);
  }
}

TEST_CASE("options that make no sense are refused with what was typed") {
  const auto dataset = numbered(10);
  const auto refusal = [&](const LoaderOptions& options, const Normalisation& normalisation = kPlain) {
    return message_of<UsageError>([&] { Loader(dataset, normalisation, options); });
  };
  CHECK(contains(refusal(options_of(0)), "--batch-size got 0"));
  CHECK(contains(refusal(options_of(-3)), "--batch-size got -3"));
  const std::string large = refusal(options_of(11));
  CHECK(contains(large, "--batch-size 11"));
  CHECK(contains(large, "10 images"));
  CHECK(refusal(options_of(10)).empty());
  LoaderOptions options = options_of(5);
  options.threads = 0;
  CHECK(contains(refusal(options), "0 threads"));
  options = options_of(5);
  options.prefetch = 0;
  CHECK(contains(refusal(options), "0 batches"));
  CHECK(contains(refusal(options_of(5), {{0.1, 0.2, 0.3}, {1, 1, 1}, 0}), "3 values of normalisation mean"));
  CHECK(contains(refusal(options_of(5), {{0.1, 0.1, 0.1}, {}, 0}), "0 values of normalisation std"));
  CHECK(contains(refusal(options_of(5), {{0.1, 0.1}, {1, 0}, 0}), "std 0"));
  CHECK(contains(refusal(options_of(5), {{0.1}, {1}, -1}), "-1 pixels"));
  CHECK(refusal(options_of(5), {{0.1, 0.1, 0.1}, {1, 1, 1}, 0}).empty());

  Loader loader(dataset, kPlain, options_of(5));
  Batch batch;
  CHECK(contains(message_of<UsageError>([&] { loader.next(batch); }), "before start()"));
  CHECK(contains(message_of<UsageError>([&] { loader.start(0, 3); }), "an epoch has 2 batches"));
  CHECK(contains(message_of<UsageError>([&] { loader.start(0, -1); }), "batch -1"));
  CHECK(contains(message_of<UsageError>([&] { loader.start(-1); }), "epoch -1"));
  CHECK(contains(message_of<UsageError>([] {
                   data::MemoryDataset({1, 2, 2}, 3, Bytes(8), {0, 3});
                 }),
                 "label 3"));
  CHECK(contains(message_of<UsageError>([] {
                   data::MemoryDataset({1, 2, 2}, 3, Bytes(9), {0, 1});
                 }),
                 "9 bytes"));
}

namespace {

/// Fails for one image, and is slow when asked to be.
class Faulty final : public data::Dataset {
 public:
  explicit Faulty(std::int64_t bad, std::chrono::milliseconds delay = {}) : bad_(bad), delay_(delay) {}
  std::int64_t size() const override { return 64; }
  Shape image_shape() const override { return {1, 2, 2}; }
  std::int64_t classes() const override { return 64; }
  std::int64_t label(std::int64_t index) const override { return index; }
  void read(std::int64_t index, data::Image& image, std::int64_t /*least_side*/) const override {
    std::this_thread::sleep_for(delay_);
    if (index == bad_) throw FormatError("image 37 is damaged");
    image.resize(1, 2, 2);
    std::fill(image.pixels.begin(), image.pixels.end(), std::uint8_t{1});
    ++reads;
  }
  mutable std::atomic<int> reads{0};

 private:
  std::int64_t bad_;
  std::chrono::milliseconds delay_;
};

}  // namespace

TEST_CASE("what a worker throws comes out of next(), at its batch") {
  LoaderOptions options = options_of(8, "none");
  options.shuffle = false;
  options.threads = 3;
  Loader loader(std::make_shared<Faulty>(37), {{0.0}, {1.0}, 0}, options);
  Batch batch;
  for (int round = 0; round < 2; ++round) {
    loader.start(round);
    for (int i = 0; i < 4; ++i) CHECK(loader.next(batch));
    for (int i = 0; i < 3; ++i) {
      CHECK(message_of<FormatError>([&] { loader.next(batch); }) == "image 37 is damaged");
    }
  }
  loader.start(2, 5);
  CHECK(rest_of_epoch(loader).size() == 3);
  CHECK_FALSE(loader.next(batch));
}

TEST_CASE("a loader may be destroyed or started anew at any moment") {
  const auto dataset = numbered(203);
  LoaderOptions options = options_of(16);
  std::vector<Batch> expected;
  {
    Loader loader(dataset, kPlain, options);
    expected = epoch_of(loader, 1);
  }
  for (int round = 0; round < 60; ++round) {
    options.threads = 1 + round % 4;
    options.prefetch = 1 + round % 3;
    Loader loader(dataset, kPlain, options);
    Batch batch;
    if (round % 5 != 0) loader.start(0, round % 13);
    for (int taken = 0; round % 5 != 0 && taken < round % 7; ++taken) loader.next(batch);
    if (round % 2 == 0) {
      loader.start(2);
      CHECK(same(epoch_of(loader, 1), expected));
    }
  }
}

TEST_CASE("workers stay no further ahead than they are asked to") {
  const auto dataset = std::make_shared<Faulty>(-1);
  LoaderOptions options = options_of(4, "none");
  options.threads = 4;
  options.prefetch = 3;
  Loader loader(dataset, {{0.0}, {1.0}, 0}, options);
  loader.start(0);
  Batch batch;
  for (int taken = 0; taken < 5; ++taken) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (dataset->reads < 4 * (taken + 3) && std::chrono::steady_clock::now() < deadline)
      std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    CHECK(dataset->reads == 4 * (taken + 3));
    CHECK(loader.next(batch));
  }
}

TEST_CASE("destruction does not wait for the epoch") {
  const auto dataset = std::make_shared<Faulty>(-1, std::chrono::milliseconds(2));
  LoaderOptions options = options_of(1, "none");
  options.threads = 2;
  {
    Loader loader(dataset, {{0.0}, {1.0}, 0}, options);
    loader.start(0);
    Batch batch;
    loader.next(batch);
  }
  CHECK(dataset->reads < 12);
}

TEST_CASE("batches reuse memory from step to step") {
  const auto dataset = numbered(256, {3, 32, 32});
  Loader loader(dataset, {{0.5}, {0.5}, 0}, options_of(32));
  Batch batch;
  const auto run_epoch = [&](std::int64_t epoch) {
    loader.start(epoch);
    while (loader.next(batch)) {
    }
  };
  run_epoch(0);
  const MemoryUse before = memory_use();
  for (std::int64_t epoch = 1; epoch < 20; ++epoch) run_epoch(epoch);
  const MemoryUse after = memory_use();
  const std::size_t one = 32 * 3 * 32 * 32 * sizeof(float);
  CHECK(after.in_use + after.cached <= before.in_use + before.cached + 4 * one);
}

#include "satsuma/data/share.hpp"

#include <doctest/doctest.h>

#include <numeric>

#include "satsuma/core/rng.hpp"
#include "satsuma/data/loader.hpp"
#include "satsuma/data/memory_dataset.hpp"

namespace satsuma::data {

namespace {

std::shared_ptr<const Dataset> noise(std::int64_t count) {
  Rng rng(3);
  std::vector<std::uint8_t> images;
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < count; ++i) {
    labels.push_back(static_cast<std::int64_t>(rng.below(5)));
    for (int j = 0; j < 3 * 8 * 8; ++j) images.push_back(static_cast<std::uint8_t>(rng.below(256)));
  }
  return std::make_shared<MemoryDataset>(Shape{3, 8, 8}, 5, std::move(images), std::move(labels));
}

LoaderOptions options_of(int rank, int ranks) {
  LoaderOptions options;
  options.batch_size = 37;
  options.augment = parse_augment("pad-crop:2,flip,random-erasing:.5,mixup:.5,cutmix:1");
  options.rank = rank;
  options.ranks = ranks;
  return options;
}

template <typename T>
void append(std::vector<T>& to, const std::vector<T>& values) {
  to.insert(to.end(), values.begin(), values.end());
}

}  // namespace

TEST_CASE("shares of a batch are whole blocks where there are enough, and together the batch") {
  for (const std::int64_t batch : {1, 15, 16, 17, 40, 128, 1000}) {
    for (int ranks = 1; ranks <= 20; ++ranks) {
      std::int64_t next = 0;
      for (int rank = 0; rank < ranks; ++rank) {
        const ImageRange share = share_of(batch, rank, ranks);
        CHECK(share.first == next);
        next += share.count;
        if ((batch + 15) / 16 >= ranks) CHECK(share.first % 16 == 0);
        if (batch >= ranks) CHECK(share.count > 0);
      }
      CHECK(next == batch);
    }
  }
  CHECK(shares_of(128, 3) == std::vector<std::int64_t>{32, 48, 48});
  CHECK(shares_of(40, 2) == std::vector<std::int64_t>{16, 24});
}

TEST_CASE("processes that share batches get together what one gets, mixed across their borders too") {
  const auto images = noise(90);
  for (const int ranks : {2, 3, 5}) {
    Loader whole(images, {{0.5}, {0.25}, 0}, options_of(0, 1));
    std::vector<std::unique_ptr<Loader>> parts;
    for (int rank = 0; rank < ranks; ++rank)
      parts.push_back(
          std::make_unique<Loader>(images, Normalisation{{0.5}, {0.25}, 0}, options_of(rank, ranks)));
    whole.start(1);
    for (const auto& part : parts) part->start(1);
    Batch batch, share;
    int batches = 0;
    for (; whole.next(batch); ++batches) {
      std::vector<float> pixels, targets;
      std::vector<std::int64_t> labels;
      for (const auto& part : parts) {
        REQUIRE(part->next(share));
        CHECK(share.first == batch.first + static_cast<std::int64_t>(labels.size()));
        append(pixels, share.images.to_vector<float>());
        append(targets, share.targets.to_vector<float>());
        append(labels, share.labels.to_vector<std::int64_t>());
      }
      // The same bits: nothing is added up over images.
      CHECK(labels == batch.labels.to_vector<std::int64_t>());
      CHECK(targets == batch.targets.to_vector<float>());
      CHECK(pixels == batch.images.to_vector<float>());
    }
    CHECK(batches == 2);
    for (const auto& part : parts) CHECK_FALSE(part->next(share));
  }
}

TEST_CASE("processes that take whole batches in turns get every image once") {
  const auto images = noise(90);
  std::vector<int> seen(90);
  for (int rank = 0; rank < 4; ++rank) {
    LoaderOptions options;
    options.batch_size = 16;
    options.shuffle = options.drop_last = false;
    options.rank = rank;
    options.ranks = 4;
    options.share_batches = true;
    Loader loader(images, {{0.5}, {0.25}, 0}, options);
    CHECK(loader.batches_per_epoch() == 6);
    loader.start(0);
    for (Batch batch; loader.next(batch);) {
      CHECK(batch.first / 16 % 4 == rank);
      for (std::int64_t i = 0; i < batch.labels.numel(); ++i)
        ++seen[static_cast<std::size_t>(batch.first + i)];
    }
  }
  CHECK(seen == std::vector<int>(90, 1));
}

TEST_CASE("a batch with fewer images than processes is refused") {
  LoaderOptions options = options_of(0, 38);
  CHECK_THROWS_WITH(
      Loader(noise(90), {{0.5}, {0.25}, 0}, options),
      "--batch-size got 37, expected at least one image for each of the 38 ranks that share it");
}

}  // namespace satsuma::data

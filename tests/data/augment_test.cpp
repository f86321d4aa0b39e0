#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "satsuma/data/loader.hpp"
#include "satsuma/data/memory_dataset.hpp"
#include "satsuma/data/preprocess.hpp"
#include "src/data/transforms/auto_augment.hpp"
#include "src/data/transforms/colour.hpp"
#include "src/data/transforms/crop.hpp"
#include "src/data/transforms/erasing.hpp"
#include "src/data/transforms/mix.hpp"
#include "support.hpp"

using namespace satsuma;
using namespace satsuma::data_tests;
using data::Batch;
using data::Box;
using data::Loader;
using data::LoaderOptions;

namespace {

constexpr std::int64_t kCount = 60;

/// Pictures of many sizes; of those whose index `bad` divides, none can be read.
class Pictures final : public data::Dataset {
 public:
  explicit Pictures(std::int64_t bad = 0, std::int64_t channels = 3) : bad_(bad), channels_(channels) {}
  std::int64_t size() const override { return kCount; }
  Shape image_shape() const override { return {channels_, 0, 0}; }
  std::int64_t classes() const override { return kCount; }
  std::int64_t label(std::int64_t index) const override { return index; }
  std::string name(std::int64_t index) const override { return "p/" + std::to_string(index) + ".png"; }
  void read(std::int64_t index, data::Image& image, std::int64_t /*least_side*/ = 0) const override {
    if (bad_ > 0 && index % bad_ == 0) throw FormatError(name(index) + ": offset 5: cut off");
    image.resize(channels_, 20 + index % 7, 18 + index % 11);
    image.pixels = pattern(image.pixels.size(), static_cast<unsigned>(index));
  }

 private:
  std::int64_t bad_;
  std::int64_t channels_;
};

LoaderOptions options_of(const char* augment, int threads = 1) {
  LoaderOptions options;
  options.batch_size = 20;
  options.augment = data::parse_augment(augment);
  options.resize = 18;
  options.crop = 16;
  options.seed = 7;
  options.threads = threads;
  return options;
}

const data::Normalisation kPlain{{0.5}, {0.5}, 0};

std::vector<Batch> epoch_of(Loader& loader, std::int64_t epoch, std::int64_t first = 0) {
  loader.start(epoch, first);
  std::vector<Batch> batches;
  for (Batch batch; loader.next(batch);) batches.push_back(batch);
  return batches;
}

bool same(const Batch& a, const Batch& b) {
  return a.images.to_vector<float>() == b.images.to_vector<float>() &&
         a.labels.to_vector<std::int64_t>() == b.labels.to_vector<std::int64_t>() &&
         a.targets.defined() == b.targets.defined() &&
         (!a.targets.defined() || a.targets.to_vector<float>() == b.targets.to_vector<float>());
}

std::string refusal(const char* text) {
  return message_of<UsageError>([&] { data::parse_augment(text); });
}

}  // namespace

TEST_CASE("lists of augmentations: a number belongs to the step before it") {
  using data::parse_augment;
  CHECK(to_string(parse_augment("none")) == "none");
  CHECK(to_string(parse_augment("flip,pad-crop")) == "flip:0.5,pad-crop:4");
  CHECK(to_string(parse_augment("rand-augment:3,10,mixup:.3, cutmix")) ==
        "rand-augment:3,10,mixup:0.3,cutmix:1");
  CHECK(to_string(parse_augment("rand-augment:1,flip:.2")) == "rand-augment:1,9,flip:0.2");
  CHECK(to_string(parse_augment("colour-jitter:.2")) == "colour-jitter:0.2,0.2,0.2,0");
  CHECK(to_string(parse_augment("colour-jitter:.2,.3,.1,.5")) == "colour-jitter:0.2,0.3,0.1,0.5");
  CHECK(to_string(parse_augment("standard").expanded(false)) == "pad-crop:4,flip:0.5");
  CHECK(to_string(parse_augment("standard,mixup").expanded(true)) ==
        "random-resized-crop:0,flip:0.5,mixup:0.2");
  CHECK(to_string(parse_augment("strong").expanded(false)) ==
        "pad-crop:4,flip:0.5,trivial-augment,random-erasing:0.1,mixup:0.2,cutmix:1");
  for (const char* text : {"standard", "strong", "flip:1,random-erasing:0", "rand-augment:14,30"})
    CHECK(parse_augment(to_string(parse_augment(text))) == parse_augment(text));
  CHECK(contains(refusal("standrad"), "unknown augmentation 'standrad'; did you mean 'standard'?"));
  CHECK(contains(refusal("color-jitter:.4"), "did you mean 'colour-jitter'?"));
  CHECK(contains(refusal("flip:2"), "flip got 2 as probability, expected a number from 0 to 1"));
  CHECK(contains(refusal("flip:.5,.5"), "a number .5 too many, expected at most 1"));
  CHECK(contains(refusal("trivial-augment:9"), "a number 9 too many, expected none"));
  CHECK(contains(refusal("pad-crop:1.5"), "got 1.5 as pixels, expected a whole number from 0 to 1024"));
  CHECK(contains(refusal("rand-augment:"), "got '', expected a number"));
  CHECK(contains(refusal("mixup:0"), "mixup got 0 as alpha"));
  CHECK(contains(refusal("mixup,mixup"), "expected mixup at most once"));
  CHECK(contains(refusal("none,flip"), "expected none alone"));
  CHECK(contains(refusal("standard,strong"), "one of standard and strong"));
  CHECK(contains(refusal(""), "unknown augmentation ''"));
  CHECK(contains(refusal("4"), "unknown augmentation '4'"));
  CHECK(contains(message_of<UsageError>([] { data::parse_augment("strong,mixup").expanded(true); }),
                 "mixup at most once"));
}

TEST_CASE("pictures of any size: the same pixels for any number of workers, other ones in other epochs") {
  for (const char* augment : {"none", "standard", "strong", "pad-crop:2,flip",
                              "trivial-augment,rand-augment:2,9,colour-jitter:.4,.4,.4,.2",
                              "random-resized-crop:16,random-erasing:1", "mixup:.2", "cutmix:1"}) {
    CAPTURE(augment);
    const auto pictures = std::make_shared<Pictures>();
    Loader one(pictures, kPlain, options_of(augment));
    Loader four(pictures, kPlain, options_of(augment, 4));
    CHECK(one.output() == Shape{3, 16, 16});
    const auto expected = epoch_of(one, 3);
    const auto got = epoch_of(four, 3);
    REQUIRE(expected.size() == 3);
    REQUIRE(expected[0].images.shape() == Shape{20, 3, 16, 16});
    for (std::size_t i = 0; i < 3; ++i) CHECK(same(expected[i], got[i]));
    const auto rest = epoch_of(one, 3, 2);
    CHECK(same(rest.at(0), expected[2]));
    CHECK_FALSE(same(epoch_of(one, 4)[0], expected[0]));
  }
}

TEST_CASE("without augmentation a batch is what Preprocess makes of each picture") {
  const auto pictures = std::make_shared<Pictures>();
  Loader loader(pictures, {{0.1, 0.2, 0.3}, {0.5, 0.6, 0.7}, 2}, options_of("none"));
  const data::Preprocess preprocess({3, 0, 0}, {{0.1, 0.2, 0.3}, {0.5, 0.6, 0.7}, 2}, 18, 16);
  REQUIRE(preprocess.output() == Shape{3, 20, 20});
  for (const Batch& batch : epoch_of(loader, 0)) {
    const auto values = batch.images.to_vector<float>();
    std::vector<float> expected(3 * 20 * 20);
    for (std::int64_t n = 0; n < 20; ++n) {
      data::Image image;
      pictures->read(batch.labels.to_vector<std::int64_t>()[static_cast<std::size_t>(n)], image);
      preprocess(image, expected);
      CHECK(std::equal(expected.begin(), expected.end(), values.begin() + n * 1200));
    }
  }
}

TEST_CASE("a set of one size leaves pictures of that size alone and brings others there") {
  const data::Preprocess preprocess({1, 6, 6}, {{0.0}, {1.0}, 1});
  CHECK_FALSE(preprocess.resizes());
  CHECK(preprocess.least_side() == 0);
  data::Image image;
  image.resize(1, 6, 6);
  image.pixels = pattern(36);
  data::Image scratch;
  data::Image own = image;
  preprocess.frame(own, scratch);
  REQUIRE(own.height == 8);
  CHECK(own.row(0)[3] == 0);
  CHECK(own.row(3)[4] == image.row(2)[3]);
  image.resize(1, 30, 45);
  std::fill(image.pixels.begin(), image.pixels.end(), std::uint8_t{200});
  preprocess.frame(image, scratch);
  CHECK(image.height == 8);
  CHECK(image.width == 8);
  CHECK(image.row(4)[4] == 200);
}

TEST_CASE("sizes that cannot be") {
  const auto of = [](const Shape& shape, std::int64_t resize, std::int64_t crop) {
    return message_of<UsageError>([&] { data::Preprocess(shape, kPlain, resize, crop); });
  };
  CHECK(contains(of({3, 0, 0}, 18, 0), "differ in size"));
  CHECK(contains(of({3, 32}, 0, 0), "[3, 32]"));
  CHECK(of({3, 0, 0}, 0, 16).empty());
  CHECK(of({3, 32, 32}, 0, 0).empty());
  const data::Preprocess preprocess({3, 0, 0}, kPlain, 256, 224);
  const auto frame = [&](std::int64_t channels, std::int64_t height, std::int64_t width) {
    return message_of<FormatError>([&] {
      data::Image image;
      data::Image scratch;
      image.resize(channels, height, width);
      preprocess.frame(image, scratch);
    });
  };
  CHECK(contains(frame(3, 1, 101), "1x101 pixels"));
  CHECK(contains(frame(1, 30, 30), "1 channels, expected 3"));
  CHECK(frame(3, 1, 100).empty());
  CHECK(contains(message_of<UsageError>([] {
                   Loader(std::make_shared<Pictures>(), kPlain, options_of("random-resized-crop:32"));
                 }),
                 "the model gets images of 16x16"));
  CHECK(contains(message_of<UsageError>(
                     [] { Loader(std::make_shared<Pictures>(0, 2), kPlain, options_of("trivial-augment")); }),
                 "images of 2 channels, expected grey or RGB"));
}

TEST_CASE("bad pictures end the run by name, or the next good one of the order takes their place") {
  const auto pictures = std::make_shared<Pictures>(3);
  LoaderOptions options = options_of("flip");
  options.shuffle = false;
  Loader strict(pictures, kPlain, options);
  CHECK(message_of<FormatError>([&] { epoch_of(strict, 0); }) == "p/0.png: offset 5: cut off");
  CHECK(strict.bad_images().empty());
  std::vector<std::vector<Batch>> runs;
  for (const int threads : {1, 4}) {
    options.threads = threads;
    options.bad = data::BadImages::replace;
    Loader loader(pictures, kPlain, options);
    runs.push_back(epoch_of(loader, 0));
    REQUIRE(runs.back().size() == 3);
    for (std::int64_t i = 0; i < kCount; ++i) {
      const auto labels = runs.back()[static_cast<std::size_t>(i / 20)].labels.to_vector<std::int64_t>();
      CHECK(labels[static_cast<std::size_t>(i % 20)] == (i % 3 == 0 ? i + 1 : i));
    }
    CHECK(loader.bad_images().size() == kCount / 3);
    CHECK(loader.bad_images()[1] == 3);
  }
  for (std::size_t i = 0; i < 3; ++i) CHECK(same(runs[0][i], runs[1][i]));
  Loader none(std::make_shared<Pictures>(1), kPlain, options);
  CHECK(contains(message_of<FormatError>([&] { epoch_of(none, 0); }), "none of the images"));
}

TEST_CASE("bad pictures that are left out leave shorter batches, and those of bad pictures alone are none") {
  LoaderOptions options = options_of("none");
  options.shuffle = options.drop_last = false;
  options.bad = data::BadImages::leave_out;
  // All pictures of 2 are bad in a batch of one, half of them in a batch of 40: more blocks than are left.
  for (const std::int64_t batch_size : {1, 40}) {
    options.batch_size = batch_size;
    Loader loader(std::make_shared<Pictures>(2), kPlain, options);
    LoaderOptions plain = options;
    plain.batch_size = 1;
    Loader whole(std::make_shared<Pictures>(), kPlain, plain);
    const std::vector<Batch> each = epoch_of(whole, 0);
    std::int64_t next = 1;
    for (const Batch& batch : epoch_of(loader, 0)) {
      const auto labels = batch.labels.to_vector<std::int64_t>();
      CHECK(batch.indices == labels);
      REQUIRE(batch.images.dim(0) == static_cast<std::int64_t>(labels.size()));
      for (std::size_t i = 0; i < labels.size(); ++i, next += 2) {
        CHECK(labels[i] == next);
        const auto row = static_cast<std::int64_t>(i);
        CHECK(batch.images.to(MemoryFormat::row_major).slice_view(0, row, row + 1).to_vector<float>() ==
              each[static_cast<std::size_t>(next)].images.to_vector<float>());
      }
    }
    CHECK(next == kCount + 1);
    CHECK(loader.bad_images().size() == kCount / 2);
  }
  Loader none(std::make_shared<Pictures>(1), kPlain, options);
  CHECK(contains(message_of<FormatError>([&] { epoch_of(none, 0); }), "none of the images"));
}

TEST_CASE("draws have torchvision's ranges and frequencies") {
  Rng rng(5);
  double area = 0;
  double log_ratio = 0;
  std::array<int, data::kChanges> changes{};
  constexpr int kDraws = 20000;
  for (int i = 0; i < kDraws; ++i) {
    const Box box = data::draw_resized_crop(480, 640, rng);
    REQUIRE(box.height >= 1);
    REQUIRE(box.top >= 0);
    REQUIRE(box.top + box.height <= 480);
    REQUIRE(box.left >= 0);
    REQUIRE(box.left + box.width <= 640);
    const double share = static_cast<double>(box.height * box.width) / (480.0 * 640.0);
    REQUIRE(share > 0.079);
    area += share / kDraws;
    log_ratio += std::log(static_cast<double>(box.width) / static_cast<double>(box.height)) / kDraws;
    ++changes[static_cast<std::size_t>(data::draw_below(data::kChanges, rng))];
  }
  // Means of torchvision 0.29's get_params on 480x640 over 200,000 draws: 0.4337 and 0.0308; the standard
  // errors of these 20,000 are 0.0015 and 0.0012, and five of them pass.
  CHECK(std::abs(area - 0.4337) < 0.0075);
  CHECK(std::abs(log_ratio - 0.0308) < 0.006);
  for (const int count : changes) CHECK(std::abs(count - kDraws / data::kChanges) < 185);  // five deviations
  const Box narrow = data::draw_resized_crop(1000, 1, rng);
  CHECK(narrow.width == 1);
  CHECK(narrow.height == 1);
}

TEST_CASE("random erasing sets a box of the batch to the mean") {
  Rng rng(3);
  int erased = 0;
  for (int i = 0; i < 4000; ++i) {
    const Box box = data::draw_erasing(0.25, 32, 40, rng);
    if (box.height == 0) continue;
    ++erased;
    const double share = static_cast<double>(box.height * box.width) / (32.0 * 40.0);
    REQUIRE(share < 0.36);
    REQUIRE(box.top + box.height <= 32);
    REQUIRE(box.left + box.width <= 40);
  }
  CHECK(std::abs(erased - 1000) < 5 * 28);
  Tensor images = Tensor::full({18, 2, 5, 6}, 1, DType::f32).to(MemoryFormat::batch_blocked);
  data::erase(images, 17, {1, 2, 3, 4});
  const auto values = images.to_vector<float>();
  for (std::int64_t i = 0; i < 18 * 60; ++i) {
    const std::int64_t y = i % 30 / 6;
    const std::int64_t x = i % 6;
    const bool inside = i / 60 == 17 && y >= 1 && y < 4 && x >= 2;
    CHECK(values[static_cast<std::size_t>(i)] == (inside ? 0.0f : 1.0f));
  }
}

TEST_CASE("mixup and cutmix mix images and labels with those before") {
  for (const std::int64_t n : {std::int64_t{1}, std::int64_t{2}, std::int64_t{16}, std::int64_t{37}}) {
    CAPTURE(n);
    Tensor whole = Tensor::empty({n, 2, 3, 4}, DType::f32);
    for (std::int64_t i = 0; i < whole.numel(); ++i) whole.data<float>()[i] = static_cast<float>(i * i % 97);
    const auto before = [n](std::int64_t i) { return (i / 24 + n - 1) % n * 24 + i % 24; };
    const auto x = whole.to_vector<float>();
    Tensor mixed = whole.to(MemoryFormat::batch_blocked);
    data::mix_images(mixed, 0.75);
    Tensor cut = whole.to(MemoryFormat::batch_blocked);
    data::cut_images(cut, {1, 0, 2, 3});
    const auto mix = mixed.to_vector<float>();
    const auto boxed = cut.to_vector<float>();
    for (std::int64_t i = 0; i < whole.numel(); ++i) {
      const float own = x[static_cast<std::size_t>(i)];
      const float other = x[static_cast<std::size_t>(before(i))];
      CHECK(mix[static_cast<std::size_t>(i)] == 0.75f * own + 0.25f * other);  // all are exact
      const bool inside = i % 12 / 4 >= 1 && i % 4 < 3;
      CHECK(boxed[static_cast<std::size_t>(i)] == (inside ? other : own));
    }
  }
  Tensor labels = Tensor::empty({3}, DType::i64);
  for (const std::int64_t i : {0, 1, 2}) labels.data<std::int64_t>()[i] = i == 2 ? 1 : i;
  CHECK(data::mixed_targets(labels, 3, 0.75).to_vector<float>() ==
        std::vector<float>{0.75f, 0.25f, 0, 0.25f, 0.75f, 0, 0, 1, 0});
}

TEST_CASE("shares of mixing come from the Beta distribution") {
  for (const double alpha : {0.2, 1.0, 5.0}) {
    Rng rng(11);
    double mean = 0;
    double square = 0;
    constexpr int kDraws = 40000;
    for (int i = 0; i < kDraws; ++i) {
      const double share = data::draw_beta(alpha, rng);
      REQUIRE(share >= 0);
      REQUIRE(share <= 1);
      mean += share / kDraws;
      square += (share - 0.5) * (share - 0.5) / kDraws;
    }
    const double variance = 1 / (4 * (2 * alpha + 1));
    CHECK(std::abs(mean - 0.5) < 5 * std::sqrt(variance / kDraws));
    CHECK(std::abs(square - variance) < 0.02 * variance);  // at least five standard errors for these alphas
  }
  LoaderOptions options = options_of("mixup:.4,cutmix:1");
  Loader loader(std::make_shared<Pictures>(), kPlain, options);
  for (std::int64_t epoch = 0; epoch < 5; ++epoch) {
    for (const Batch& batch : epoch_of(loader, epoch)) {
      REQUIRE(batch.targets.shape() == Shape{20, kCount});
      const auto targets = batch.targets.to_vector<float>();
      double sum = 0;
      for (const float share : targets) sum += share;
      CHECK(sum == doctest::Approx(20).epsilon(1e-6));
    }
  }
}

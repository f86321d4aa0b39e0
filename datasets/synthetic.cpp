#include "datasets/synthetic.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/core/rng.hpp"

namespace satsuma::datasets {

namespace {

constexpr std::int64_t kTrainCount = 10'000;
constexpr std::int64_t kTestCount = 2'000;
constexpr std::int64_t kClasses = 10;
constexpr std::int64_t kMostPixels = std::int64_t{1} << 28;
constexpr std::int64_t kMostPatternValues = std::int64_t{1} << 28;

// High halves of the random streams.
constexpr std::uint64_t kPatternStream = std::uint64_t{0x50415454} << 32;
constexpr std::uint64_t kImageStream = std::uint64_t{0x494D4147} << 32;

constexpr std::int64_t kGrid = 4;  ///< a pattern is kGrid x kGrid values, interpolated and periodic
constexpr int kFraction = 12;  ///< bits after the point in grid coordinates: integers are the same everywhere
constexpr std::int64_t kOne = std::int64_t{1} << kFraction;

/// Where a pixel falls between two lines of the grid.
struct Tap {
  std::int64_t low;
  std::int64_t high;
  std::int64_t weight;  ///< of `high`, in 1 / kOne
};

std::vector<Tap> taps(std::int64_t extent, std::int64_t shift) {
  std::vector<Tap> result;
  result.reserve(static_cast<std::size_t>(extent));
  for (std::int64_t i = 0; i < extent; ++i) {
    const std::int64_t at = (i + shift + extent) % extent * kGrid * kOne / extent;
    const std::int64_t low = at >> kFraction;
    result.push_back({low, (low + 1) % kGrid, at & (kOne - 1)});
  }
  return result;
}

class Synthetic final : public data::Dataset {
 public:
  Synthetic(const Shape& image, std::int64_t classes, std::uint64_t seed, std::uint64_t split,
            std::int64_t count)
      : image_(image), classes_(classes), seed_(seed), split_(split), count_(count) {
    patterns_.resize(static_cast<std::size_t>(classes * image[0] * kGrid * kGrid));
    Rng rng(seed, kPatternStream);
    for (auto& value : patterns_) value = static_cast<std::int8_t>(static_cast<int>(rng.below(193)) - 96);
  }

  std::int64_t size() const override { return count_; }
  Shape image_shape() const override { return image_; }
  std::int64_t classes() const override { return classes_; }
  std::int64_t label(std::int64_t index) const override { return index % classes_; }

  void read(std::int64_t index, data::Image& image, std::int64_t /*least_side*/) const override {
    Rng rng(seed_, kImageStream + split_);
    rng.seek(static_cast<std::uint64_t>(index) * draws_per_image());
    const auto draw_shift = [&](std::int64_t extent) {
      const std::int64_t most = extent / 8;
      return static_cast<std::int64_t>(rng.next() % static_cast<std::uint64_t>(2 * most + 1)) - most;
    };
    const std::vector<Tap> rows = taps(image_[1], draw_shift(image_[1]));
    const std::vector<Tap> columns = taps(image_[2], draw_shift(image_[2]));
    const auto contrast = static_cast<std::int64_t>(kOne / 2 + rng.next() % (kOne / 2));
    rng.next();  // the noise starts on a block of four draws

    Noise noise(rng);
    const std::int64_t channels = image_[0];
    image.resize(channels, image_[1], image_[2]);
    const std::int8_t* grid = patterns_.data() + label(index) * image_[0] * kGrid * kGrid;
    for (std::int64_t c = 0; c < channels; ++c, grid += kGrid * kGrid) {
      std::uint8_t* to = image.pixels.data() + c;
      for (const Tap& row : rows) {
        std::array<std::int64_t, kGrid> line{};
        for (std::int64_t x = 0; x < kGrid; ++x) {
          const std::int64_t low = grid[row.low * kGrid + x];
          const std::int64_t high = grid[row.high * kGrid + x];
          line[static_cast<std::size_t>(x)] =
              (low * (kOne - row.weight) + high * row.weight) * contrast >> kFraction;
        }
        for (const Tap& column : columns) {
          const std::int64_t low = line[static_cast<std::size_t>(column.low)];
          const std::int64_t high = line[static_cast<std::size_t>(column.high)];
          const std::int64_t value = (low * (kOne - column.weight) + high * column.weight) >> (2 * kFraction);
          *to = static_cast<std::uint8_t>(std::clamp<std::int64_t>(128 + value + noise.next(), 0, 255));
          to += channels;
        }
      }
    }
  }

 private:
  /// Triangular in [-127, 127], standard deviation 52; two values of each draw.
  class Noise {
   public:
    explicit Noise(Rng& rng) : rng_(rng) {}
    std::int64_t next() {
      bits_ = have_ ? bits_ >> 16 : rng_.next();
      have_ = !have_;
      return static_cast<std::int64_t>(bits_ & 127) + static_cast<std::int64_t>(bits_ >> 8 & 127) - 127;
    }

   private:
    Rng& rng_;
    std::uint32_t bits_ = 0;
    bool have_ = false;
  };

  /// Whole blocks of four draws: one for shift and contrast, then one draw for two pixels.
  std::uint64_t draws_per_image() const {
    const auto noise = static_cast<std::uint64_t>((image_.numel() + 1) / 2);
    return 4 + (noise + 3) / 4 * 4;
  }

  Shape image_;
  std::int64_t classes_;
  std::uint64_t seed_;
  std::uint64_t split_;
  std::int64_t count_;
  std::vector<std::int8_t> patterns_;  // [classes][C][kGrid][kGrid]
};

Splits generate(const Options& options) {
  const Shape image = options.input.rank() == 0 ? Shape{3, 32, 32} : options.input;
  const std::int64_t classes = options.classes.value_or(kClasses);
  const bool shaped = image.rank() == 3 && std::all_of(image.begin(), image.end(), [](auto extent) {
                        return extent >= 1 && extent <= kMostPixels;
                      });
  // Divided, not multiplied: nothing here can overflow.
  if (!shaped || image[0] > kMostPixels / image[1] / image[2]) {
    throw UsageError(fmt::format(
        "synthetic got images of shape {}, expected [C, H, W] with at most 2^28 values", to_string(image)));
  }
  if (classes < 1 || classes > kMostPatternValues / (image[0] * kGrid * kGrid)) {
    throw UsageError(fmt::format("synthetic got {} classes, expected 1 to {}", classes,
                                 kMostPatternValues / (image[0] * kGrid * kGrid)));
  }
  Splits splits;
  splits.train = std::make_shared<Synthetic>(image, classes, options.seed, 0, kTrainCount);
  splits.test = std::make_shared<Synthetic>(image, classes, options.seed, 1, kTestCount);
  return splits;
}

}  // namespace

Entry synthetic() {
  Entry entry{};
  entry.name = "synthetic";
  entry.summary = "generated patterns of any shape and number of classes, nothing to download";
  entry.input = {3, 32, 32};
  entry.classes = kClasses;
  entry.normalisation.mean = {0.5, 0.5, 0.5};
  entry.normalisation.std = {0.25, 0.25, 0.25};
  entry.train_count = kTrainCount;
  entry.test_count = kTestCount;
  entry.find = [](const Options&) { return std::string("generated"); };
  entry.load = generate;
  return entry;
}

}  // namespace satsuma::datasets

#include "src/data/batch_builder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <type_traits>
#include <utility>

#include "satsuma/core/rng.hpp"

namespace satsuma::data {

namespace {

// High halves of the random streams; the epoch is the low half.
constexpr std::uint64_t kOrderStream = std::uint64_t{0x4F524452} << 32;
constexpr std::uint64_t kPlacementStream = std::uint64_t{0x504C4143} << 32;
constexpr std::uint64_t kDrawsPerSample = 4;  // one Philox block

/// Value of channel `c`. Values that are all the same hold for any number of channels.
double channel_value(const std::vector<double>& values, std::int64_t channels, std::int64_t c,
                     const char* what) {
  if (static_cast<std::int64_t>(values.size()) == channels) return values[static_cast<std::size_t>(c)];
  if (values.empty() ||
      std::any_of(values.begin(), values.end(), [&](double v) { return v != values.front(); })) {
    throw UsageError(
        fmt::format("[loader] got {} values of normalisation {} for images of {} channels, expected one a "
                    "channel",
                    values.size(), what, channels));
  }
  return values.front();
}

/// Pixels in the opposite order.
void flip_row(std::uint8_t* row, std::int64_t width, std::int64_t channels) {
  if (channels == 1) {
    std::reverse(row, row + width);
    return;
  }
  for (std::int64_t left = 0, right = width - 1; left < right; ++left, --right)
    std::swap_ranges(row + left * channels, row + (left + 1) * channels, row + right * channels);
}

}  // namespace

std::vector<std::int64_t> draw_order(std::int64_t count, std::uint64_t seed, std::int64_t epoch) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  Rng rng(seed, kOrderStream + static_cast<std::uint64_t>(epoch));
  for (std::size_t left = order.size(); left > 1; --left) std::swap(order[left - 1], order[rng.below(left)]);
  return order;
}

Placement draw_placement(std::uint64_t seed, std::int64_t epoch, std::int64_t position) {
  Rng rng(seed, kPlacementStream + static_cast<std::uint64_t>(epoch));
  rng.seek(static_cast<std::uint64_t>(position) * kDrawsPerSample);
  // Scaling a 32-bit draw instead of rejecting: the bias is 2^-32, and every sample takes the same number of
  // draws.
  const auto shift = [&] {
    return static_cast<std::int64_t>(std::uint64_t{rng.next()} * (2 * kCropPadding + 1) >> 32) - kCropPadding;
  };
  Placement placement;
  placement.dy = shift();
  placement.dx = shift();
  placement.flip = rng.next() >> 31 != 0;
  return placement;
}

BatchBuilder::BatchBuilder(const Shape& image, const Normalisation& normalisation)
    : image_(image), pad_(normalisation.pad) {
  if (image.rank() != 3 || image.numel() == 0) {
    throw UsageError(fmt::format("[loader] got images of shape {}, expected [C, H, W]", to_string(image)));
  }
  if (pad_ < 0) throw UsageError(fmt::format("[loader] got {} pixels of padding, expected 0 or more", pad_));
  height_ = image[1] + 2 * pad_;
  width_ = image[2] + 2 * pad_;
  table_.reserve(static_cast<std::size_t>(image[0]) * 256);
  for (std::int64_t c = 0; c < image[0]; ++c) {
    const double mean = channel_value(normalisation.mean, image[0], c, "mean");
    const double std = channel_value(normalisation.std, image[0], c, "std");
    if (!(std > 0) || !std::isfinite(mean)) {
      throw UsageError(fmt::format("[loader] cannot normalise by mean {} and std {}", mean, std));
    }
    for (int byte = 0; byte < 256; ++byte) table_.push_back(static_cast<float>((byte / 255.0 - mean) / std));
  }
}

Batch BatchBuilder::build(const Dataset& dataset, std::span<const std::int64_t> indices,
                          std::span<const Placement> placements) const {
  const auto count = static_cast<std::int64_t>(indices.size());
  Batch batch;
  batch.images = Tensor::empty({count, image_[0], height_, width_}, DType::f32, MemoryFormat::batch_blocked);
  batch.labels = Tensor::empty({count}, DType::i64);
  auto* const labels = batch.labels.data<std::int64_t>();
  float* const pixels = batch.images.data<float>();

  const std::int64_t block_size = image_[0] * height_ * width_ * kLanes;
  std::vector<Image> images(static_cast<std::size_t>(std::min(kLanes, count)));
  const std::vector<Placement> centred(placements.empty() ? kLanes : 0);
  for (std::int64_t first = 0; first < count; first += kLanes) {
    const std::int64_t lanes = std::min(kLanes, count - first);
    for (std::int64_t lane = 0; lane < lanes; ++lane) {
      const std::int64_t index = indices[static_cast<std::size_t>(first + lane)];
      Image& image = images[static_cast<std::size_t>(lane)];
      dataset.read(index, image);
      check_size(image, dataset, index);
      labels[first + lane] = dataset.label(index);
    }
    build_block(images, placements.empty() ? centred : placements.subspan(static_cast<std::size_t>(first)),
                lanes, pixels + first / kLanes * block_size);
  }
  return batch;
}

void BatchBuilder::check_size(const Image& image, const Dataset& dataset, std::int64_t index) const {
  if (image.channels == image_[0] && image.height == image_[1] && image.width == image_[2]) return;
  throw FormatError(fmt::format("{}: an image of {}x{}x{}, expected {}x{}x{}", dataset.name(index),
                                image.channels, image.height, image.width, image_[0], image_[1], image_[2]));
}

/// One block `[H][W][C][16]`, row by row: bytes are laid out for all lanes first, so that the pass that
/// widens them by 64 writes memory in order.
void BatchBuilder::build_block(std::span<const Image> images, std::span<const Placement> placements,
                               std::int64_t lanes, float* to) const {
  const std::int64_t channels = image_[0];
  std::vector<std::uint8_t> rows(static_cast<std::size_t>(kLanes * channels * width_));  // [lane][W][C]
  for (std::int64_t y = 0; y < height_; ++y) {
    std::uint8_t* row = rows.data();
    for (std::int64_t lane = 0; lane < lanes; ++lane, row += width_ * channels) {
      const auto i = static_cast<std::size_t>(lane);
      place_row(images[i], placements[i], y, row);
    }
    float* const line = to + y * width_ * channels * kLanes;
    if (lanes == kLanes) {
      emit_row(rows.data(), std::integral_constant<std::int64_t, kLanes>{}, line);
    } else {
      emit_row(rows.data(), lanes, line);
    }
  }
}

void BatchBuilder::place_row(const Image& image, const Placement& placement, std::int64_t y,
                             std::uint8_t* row) const {
  const std::int64_t channels = image_[0];
  const std::int64_t source_y = y - pad_ + placement.dy;
  const std::int64_t source_x = placement.dx - pad_;  // of the row's first pixel
  const std::int64_t begin = std::clamp<std::int64_t>(-source_x, 0, width_);
  const std::int64_t end = std::clamp<std::int64_t>(image_[2] - source_x, begin, width_);
  const auto bytes = [&](std::int64_t pixels) { return static_cast<std::size_t>(pixels * channels); };
  if (source_y < 0 || source_y >= image_[1] || begin == end) {
    std::memset(row, 0, bytes(width_));
    return;
  }
  std::memset(row, 0, bytes(begin));
  std::memcpy(row + begin * channels, image.row(source_y) + (source_x + begin) * channels,
              bytes(end - begin));
  std::memset(row + end * channels, 0, bytes(width_ - end));
  if (placement.flip) flip_row(row, width_, channels);
}

/// `Lanes` is a constant for full blocks, so that their inner loop unrolls.
template <typename Lanes>
void BatchBuilder::emit_row(const std::uint8_t* rows, Lanes lanes, float* to) const {
  const std::int64_t channels = image_[0];
  const std::int64_t stride = channels * width_;
  for (std::int64_t x = 0; x < width_; ++x) {
    for (std::int64_t c = 0; c < channels; ++c, to += kLanes) {
      const float* const table = table_.data() + c * 256;
      const std::uint8_t* const column = rows + x * channels + c;
      for (std::int64_t lane = 0; lane < lanes; ++lane) to[lane] = table[column[lane * stride]];
    }
  }
}

}  // namespace satsuma::data

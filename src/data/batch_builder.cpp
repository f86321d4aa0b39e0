#include "src/data/batch_builder.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <type_traits>
#include <utility>

#include "satsuma/core/error.hpp"
#include "satsuma/core/rng.hpp"
#include "src/core/per_thread.hpp"
#include "src/data/normalise.hpp"
#include "src/data/transforms/crop.hpp"

namespace satsuma::data {

namespace {

// High halves of the random streams; the epoch is the low half.
constexpr std::uint64_t kOrderStream = std::uint64_t{0x4F524452} << 32;
constexpr std::uint64_t kPlacementStream = std::uint64_t{0x504C4143} << 32;
constexpr std::uint64_t kDrawsPerSample = 4;  // one Philox block

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

Placement draw_placement(std::uint64_t seed, std::int64_t epoch, std::int64_t position, std::int64_t padding,
                         double flip) {
  Rng rng(seed, kPlacementStream + static_cast<std::uint64_t>(epoch));
  rng.seek(static_cast<std::uint64_t>(position) * kDrawsPerSample);
  const auto shift = [&] { return draw_below(2 * padding + 1, rng) - padding; };
  Placement placement;
  placement.dy = shift();
  placement.dx = shift();
  placement.flip = rng.next() >= (1 - flip) * 0x1p+32;
  return placement;
}

BatchBuilder::BatchBuilder(const Shape& image, const Normalisation& normalisation)
    : image_(image), pad_(normalisation.pad) {
  if (image.rank() != 3 || image.numel() == 0) {
    throw UsageError(fmt::format("[loader] got images of shape {}, expected [C, H, W]", to_string(image)));
  }
  height_ = image[1] + 2 * pad_;
  width_ = image[2] + 2 * pad_;
  table_ = normalisation_table(normalisation, image[0]);
}

Batch BatchBuilder::build(std::int64_t count, const ReadSample& read,
                          std::span<const Placement> placements) const {
  Batch batch;
  batch.images = Tensor::empty({count, image_[0], height_, width_}, DType::f32, MemoryFormat::batch_blocked);
  batch.labels = Tensor::empty({count}, DType::i64);
  auto* const labels = batch.labels.data<std::int64_t>();
  float* const pixels = batch.images.data<float>();

  const std::int64_t block_size = image_[0] * height_ * width_ * kLanes;
  // Of this worker: they grow to its largest pictures, once, where new ones would be mapped and cleared anew.
  static PerThread<std::array<Image, kLanes>> images_of_threads;
  std::array<Image, kLanes>& images = images_of_threads.get();
  std::vector<Placement> placed(images.size());
  std::int64_t next = 0, done = 0;
  while (next < count) {
    std::int64_t lanes = 0;
    for (; next < count && lanes < kLanes; ++next) {
      const auto lane = static_cast<std::size_t>(lanes);
      const std::optional<Sample> sample = read(next, images[lane]);
      if (!sample) continue;
      if (!placements.empty()) placed[lane] = placements[static_cast<std::size_t>(next)];
      labels[done + lanes++] = sample->label;
      batch.indices.push_back(sample->index);
    }
    if (lanes > 0) build_block(images, placed, lanes, pixels + done / kLanes * block_size);
    done += lanes;
  }
  if (done == 0) return {};
  if (done < count) {
    batch.images = batch.images.slice_view(0, 0, done).clone();
    batch.labels = batch.labels.slice_view(0, 0, done).clone();
  }
  return batch;
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

#include "satsuma/sparse/sampling.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/core/integer.hpp"
#include "satsuma/core/memory_format.hpp"
#include "satsuma/core/parallel.hpp"
#include "src/sparse/pairwise.hpp"

namespace satsuma {

namespace {

constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15;

std::uint64_t mix(std::uint64_t word) {
  word += kGolden;
  word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9;
  word = (word ^ word >> 27) * 0x94D049BB133111EB;
  return word ^ word >> 31;
}

/// Magnitudes as integers that order as |value| does, with every NaN alike and above infinity.
std::uint32_t rank_of(float value) {
  return std::min(std::bit_cast<std::uint32_t>(std::abs(value)), 0x7F800001u);
}

float float_before(float value) {
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) - 1);
}

}  // namespace

SampleKey SampleKey::of(std::uint64_t seed, std::int64_t step, std::string_view layer) {
  std::uint64_t name = 0;
  for (const char c : layer) name = mix(name + static_cast<unsigned char>(c));
  return {seed, static_cast<std::uint64_t>(step), name, 0};
}

std::uint64_t SampleKey::word() const {
  return mix(mix(mix(seed) + step) + layer) + first_line * kGolden;
}

std::uint64_t sample_line(std::uint64_t key, std::uint64_t line) {
  return mix(key + line * kGolden);
}

float sample_uniform(std::uint64_t line, std::uint32_t channel) {
  std::uint32_t x = channel * 0x9E3779B9u + static_cast<std::uint32_t>(line);
  x = (x ^ x >> 16) * 0x7FEB352Du;
  x ^= static_cast<std::uint32_t>(line >> 32);
  x = (x ^ x >> 15) * 0x846CA68Bu;
  x ^= x >> 16;
  return static_cast<float>(x >> 8) * 0x1p-24f;
}

void sample_group(const SampledRows& group, int length, int kept, float uniform, SampledElement* to) {
  const auto value_of = [&](int row, int at) {
    return group.values[at * group.stride + row * group.row_stride];
  };
  const auto size_of = [&](int at) {
    std::array<float, kMostShared> parts{};
    for (int row = 0; row < group.rows; ++row)
      parts[static_cast<std::size_t>(row)] = std::bit_cast<float>(rank_of(value_of(row, at)));
    return std::bit_cast<float>(rank_of(pairwise_sum(parts)));
  };
  std::array<float, 64> sizes;
  for (int i = 0; i < length; ++i) sizes[static_cast<std::size_t>(i)] = size_of(i);
  const auto begin = sizes.begin();
  const auto end = begin + length;
  const auto sum = [&] {
    float total = 0;
    for (auto size = begin; size != end; ++size) total += *size;
    return total;
  };

  int capped = 0;
  while (capped < kept - 1) {
    const auto largest =
        std::max_element(begin, end, [](float a, float b) { return rank_of(a) < rank_of(b); });
    if (*largest == 0 || static_cast<float>(kept - capped) * *largest < sum()) break;
    const auto at = static_cast<int>(largest - begin);
    for (int row = 0; row < group.rows; ++row) to[row * kept + capped] = {value_of(row, at), at};
    ++capped;
    *largest = 0;
  }

  const float total = sum();
  const float share = total / static_cast<float>(kept - capped);
  for (int k = 0; k < kept - capped; ++k) {
    const float wanted = (uniform + static_cast<float>(k)) * share;
    const float threshold = wanted < float_before(total) ? wanted : float_before(total);
    int at = 0;
    float before = sizes[0];
    // The last element needs no look.
    while (at + 1 < length && before <= threshold) before += sizes[static_cast<std::size_t>(++at)];
    const float size = sizes[static_cast<std::size_t>(at)];
    const float factor = size == 0 ? share : share / size;
    for (int row = 0; row < group.rows; ++row) {
      const float value = value_of(row, at);
      const float drawn = group.shared == 1 ? std::copysign(share, value) : value * factor;
      to[row * kept + capped + k] = {drawn, at};
    }
  }
}

SampledGradient sample_along_images(const Tensor& dy, Pattern pattern, const SampleKey& key) {
  validate(pattern);
  if (dy.rank() != 4 || dy.dtype() != DType::f32) {
    throw ShapeError(
        fmt::format("[sample_along_images] got {} of {}, expected a gradient [N, K, P, Q] of f32",
                    to_string(dy.shape()), to_string(dy.dtype())));
  }
  const Tensor source = dy.to(MemoryFormat::batch_blocked);
  const std::int64_t images = dy.dim(0);
  const std::int64_t channels = dy.dim(1);
  const std::int64_t pixels = dy.dim(2) * dy.dim(3);
  const std::int64_t blocks = ceil_div(images, kLanes);
  const std::int64_t length = std::min<std::int64_t>(pattern.m, kLanes);
  const std::int64_t groups = ceil_div(kLanes, length);
  SampledGradient sampled;
  sampled.pattern = pattern;
  sampled.dense_shape = dy.shape();
  const std::int64_t kept = sampled.kept();
  const Shape shape = {blocks, dy.dim(2), dy.dim(3), channels, kept};
  const std::int64_t shared = pattern.shared;
  const std::int64_t sets = ceil_div(channels, shared);
  sampled.values = Tensor::zeros(shape);
  sampled.images = Tensor::zeros({blocks, dy.dim(2), dy.dim(3), sets, kept}, DType::u8);

  const std::uint64_t word = key.word();
  const float* const from = source.data<float>();
  float* const values = sampled.values.data<float>();
  std::uint8_t* const positions = sampled.images.data<std::uint8_t>();
  parallel_for(blocks * pixels, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<SampledElement> slots(static_cast<std::size_t>(shared * kLanes));
    for (std::int64_t place = begin; place < end; ++place) {
      const std::int64_t used = std::min(kLanes, images - place / pixels * kLanes);
      for (std::int64_t first = 0, slot = 0; first < used; first += length) {
        const std::int64_t count = std::min(length, used - first);
        const std::int64_t keeps = kept_in_group(pattern, count);
        const std::uint64_t line =
            sample_line(word, static_cast<std::uint64_t>(place * groups + first / length));
        for (std::int64_t set = 0; set < sets; ++set) {
          const std::int64_t k = set * shared;
          const std::int64_t rows = std::min(shared, channels - k);
          const SampledRows group{from + (place * channels + k) * kLanes + first, 1, kLanes,
                                  static_cast<int>(rows), pattern.shared};
          sample_group(group, static_cast<int>(count), static_cast<int>(keeps),
                       sample_uniform(line, static_cast<std::uint32_t>(k)), slots.data());
          for (std::int64_t j = 0; j < keeps; ++j) {
            positions[(place * sets + set) * kept + slot + j] =
                static_cast<std::uint8_t>(first + slots[static_cast<std::size_t>(j)].position);
            for (std::int64_t row = 0; row < rows; ++row) {
              values[(place * channels + k + row) * kept + slot + j] =
                  slots[static_cast<std::size_t>(row * keeps + j)].value;
            }
          }
        }
        slot += keeps;
      }
    }
  });
  return sampled;
}

Tensor expand(const SampledGradient& sampled) {
  Tensor dense = Tensor::zeros(sampled.dense_shape, DType::f32, MemoryFormat::batch_blocked);
  const float* const values = sampled.values.data<float>();
  const std::uint8_t* const positions = sampled.images.data<std::uint8_t>();
  float* const to = dense.data<float>();
  const std::int64_t kept = sampled.kept();
  const std::int64_t channels = sampled.dense_shape[1];
  const std::int64_t shared = sampled.pattern.shared;
  const std::int64_t sets = ceil_div(channels, shared);
  const std::int64_t places = sampled.values.numel() / std::max<std::int64_t>(kept * channels, 1);
  for (std::int64_t place = 0; place < places; ++place) {
    for (std::int64_t k = 0; k < channels; ++k) {
      const std::int64_t row = place * channels + k;
      const std::uint8_t* const images = positions + (place * sets + k / shared) * kept;
      for (std::int64_t j = 0; j < kept; ++j) to[row * kLanes + images[j]] += values[row * kept + j];
    }
  }
  return dense;
}

}  // namespace satsuma

#include "src/cpu/pair_forms.hpp"

#include <algorithm>
#include <utility>

#include "satsuma/core/half.hpp"
#include "satsuma/core/integer.hpp"
#include "satsuma/core/memory_format.hpp"
#include "satsuma/core/parallel.hpp"
#include "src/cpu/compress.hpp"

namespace satsuma::cpu {

namespace {

std::uint32_t pair_of(float first, float second) {
  return std::uint32_t{BFloat16(first).bits} | std::uint32_t{BFloat16(second).bits} << 16;
}

/// The kept weights of one channel block: where they start along a packed row, and how many they are.
struct KeptRange {
  std::int64_t first;
  std::int64_t count;
  NmPair* pairs;
};

}  // namespace

const NmPairForm& nm_pair_form(const PackedWeight& weight, std::int64_t channel_block) {
  if (const auto* form = dynamic_cast<const NmPairForm*>(weight.device_form.get())) {
    if (form->channel_block == channel_block) return *form;
  }
  const PackedWeight packed = documented(weight);
  auto form = std::make_shared<NmPairForm>();
  form->channel_block = channel_block;
  const Pattern pattern = packed.pattern;
  const std::int64_t rows = packed.rows();
  const std::int64_t taps = packed.values.dim(1) * packed.values.dim(2);
  const std::int64_t kept = packed.kept();
  const std::int64_t channels = packed.dense_shape[packed.axis == GroupAxis::input_channels ? 1 : 0];

  std::vector<KeptRange> ranges;
  std::int64_t pairs = 0;
  for (std::int64_t first = 0; first < channels; first += channel_block) {
    const std::int64_t before = kept_along(pattern, first);
    const std::int64_t count = kept_along(pattern, std::min(first + channel_block, channels)) - before;
    ranges.push_back({before, count, nullptr});
    pairs += rows * taps * ceil_div(count, 2);
  }
  form->memory = allocate_host(static_cast<std::size_t>(pairs) * sizeof(NmPair));
  auto* next = reinterpret_cast<NmPair*>(form->memory.get());
  for (KeptRange& range : ranges) {
    const std::int64_t per_tap = ceil_div(range.count, 2);
    range.pairs = next;
    form->blocks.push_back({next, static_cast<int>(per_tap), taps * per_tap});
    next += rows * taps * per_tap;
  }

  const float* const values = std::as_const(packed.values).data<float>();
  const std::uint8_t* const indices = std::as_const(packed.indices).data<std::uint8_t>();
  const auto offset = [&](const std::uint8_t* index, std::int64_t j) {
    return static_cast<std::uint16_t>((j / pattern.n * pattern.m + index[j]) * 64);
  };
  parallel_for(rows * taps, 16, [&](std::int64_t begin, std::int64_t end) {
    for (const KeptRange& range : ranges) {
      const std::int64_t per_tap = ceil_div(range.count, 2);
      for (std::int64_t row = begin; row < end; ++row) {
        const float* const value = values + row * kept + range.first;
        const std::uint8_t* const index = indices + row * kept + range.first;
        NmPair* const to = range.pairs + row * per_tap;
        for (std::int64_t j = 0; j + 1 < range.count; j += 2)
          to[j / 2] = {pair_of(value[j], value[j + 1]), offset(index, j), offset(index, j + 1)};
        if (range.count % 2 != 0) {
          const std::int64_t last = range.count - 1;
          to[last / 2] = {pair_of(value[last], 0.0f), offset(index, last), offset(index, last)};
        }
      }
    }
  });
  weight.device_form = form;
  return *form;
}

DensePairForm dense_pair_form(const Tensor& weight, std::int64_t channel_block, std::int64_t panel_rows,
                              bool transposed) {
  const std::int64_t rows = weight.dim(transposed ? 1 : 0);
  const std::int64_t channels = weight.dim(transposed ? 0 : 1);
  const std::int64_t taps = weight.dim(2) * weight.dim(3);
  const std::int64_t in = weight.dim(1);
  const std::int64_t panels = ceil_div(rows, panel_rows);
  // In channels-last memory an element (k, c) of tap t lies at (k * taps + t) * C + c.
  const std::int64_t row_stride = transposed ? 1 : taps * in;
  const std::int64_t channel_stride = transposed ? taps * in : 1;
  const float* const from = weight.data<float>();

  DensePairForm form{{}, Scratch(panels * panel_rows * taps * (ceil_div(channels, 2) + 1))};
  auto* next = reinterpret_cast<std::uint32_t*>(form.memory.data());
  for (std::int64_t first = 0; first < channels; first += channel_block) {
    const std::int64_t count = ceil_div(std::min(channel_block, channels - first), 2);
    form.blocks.push_back({next, static_cast<int>(count), taps * count * panel_rows});
    next += panels * taps * count * panel_rows;
  }
  parallel_for(panels, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::size_t block = 0; block < form.blocks.size(); ++block) {
      const DensePairWeights& target = form.blocks[block];
      for (std::int64_t panel = begin; panel < end; ++panel) {
        auto* to = const_cast<std::uint32_t*>(target.values) + panel * target.panel_stride;
        for (std::int64_t tap = 0; tap < taps; ++tap) {
          for (std::int64_t pair = 0; pair < target.channel_pairs; ++pair, to += panel_rows) {
            const std::int64_t channel = static_cast<std::int64_t>(block) * channel_block + 2 * pair;
            for (std::int64_t r = 0; r < panel_rows; ++r) {
              const std::int64_t row = panel * panel_rows + r;
              const auto at = [&](std::int64_t c) {
                return row < rows && c < channels ? from[row * row_stride + tap * in + c * channel_stride]
                                                  : 0.0f;
              };
              to[r] = pair_of(at(channel), at(channel + 1));
            }
          }
        }
      }
    }
  });
  return form;
}

}  // namespace satsuma::cpu

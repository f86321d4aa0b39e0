#include "src/cpu/pair_forms.hpp"

#include <algorithm>
#include <utility>

#include "satsuma/core/integer.hpp"
#include "satsuma/core/memory_format.hpp"
#include "satsuma/core/parallel.hpp"
#include "src/core/bf16_bits.hpp"
#include "src/cpu/compress.hpp"
#include "src/cpu/forms.hpp"

namespace satsuma::cpu {

namespace {

/// All dense weights are rounded before each pass.
inline std::uint32_t pair_of(float first, float second) {
  return bf16_bits(first) | bf16_bits(second) << 16;
}

/// to[i] = from[2 i], from[2 i + 1]; an odd last number is paired with zero.
void pairs_along(const float* from, std::int64_t count, std::uint32_t* to) {
  for (std::int64_t i = 0; i < count / 2; ++i) to[i] = pair_of(from[2 * i], from[2 * i + 1]);
  if (count % 2 != 0) to[count / 2] = pair_of(from[count - 1], 0.0f);
}

/// to[i] = even[i], odd[i], where a null `odd` stands for zeros.
void pairs_across(const float* even, const float* odd, std::int64_t count, std::uint32_t* to) {
  if (odd == nullptr) {
    for (std::int64_t i = 0; i < count; ++i) to[i] = pair_of(even[i], 0.0f);
  } else {
    for (std::int64_t i = 0; i < count; ++i) to[i] = pair_of(even[i], odd[i]);
  }
}

/// The kept weights of one channel block: where they start along a packed row, and how many they are.
struct KeptRange {
  std::int64_t first;
  std::int64_t count;
  std::byte* pairs;
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
  const std::int64_t together = rows_together(pattern);
  const std::int64_t rows = packed.rows();
  const std::int64_t sets = ceil_div(rows, together);
  const std::int64_t taps = packed.values.dim(1) * packed.values.dim(2);
  const std::int64_t kept = packed.kept();
  const std::int64_t channels = packed.dense_shape[packed.axis == GroupAxis::input_channels ? 1 : 0];

  std::vector<KeptRange> ranges;
  std::int64_t pairs = 0;
  for (std::int64_t first = 0; first < channels; first += channel_block) {
    const std::int64_t before = kept_along(pattern, first);
    const std::int64_t count = kept_along(pattern, std::min(first + channel_block, channels)) - before;
    ranges.push_back({before, count, nullptr});
    pairs += sets * taps * ceil_div(count, 2);
  }
  const std::int64_t pair_bytes = together == 1 ? sizeof(NmPair) : sizeof(NmSharedPair);
  form->memory = allocate_host(static_cast<std::size_t>(pairs * pair_bytes));
  std::byte* next = form->memory.get();
  for (KeptRange& range : ranges) {
    const std::int64_t per_tap = ceil_div(range.count, 2);
    range.pairs = next;
    form->blocks.push_back({next, static_cast<int>(per_tap), taps * per_tap});
    next += sets * taps * per_tap * pair_bytes;
  }

  const float* const values = std::as_const(packed.values).data<float>();
  const std::uint8_t* const indices = std::as_const(packed.indices).data<std::uint8_t>();
  parallel_for(sets * taps, 16, [&](std::int64_t begin, std::int64_t end) {
    for (const KeptRange& range : ranges) {
      const std::int64_t per_tap = ceil_div(range.count, 2);
      for (std::int64_t line = begin; line < end; ++line) {
        const std::int64_t row = line / taps * together;
        const std::int64_t tap = line % taps;
        const float* const value = values + (row * taps + tap) * kept + range.first;
        const std::uint8_t* const index = indices + (row / pattern.shared * taps + tap) * kept + range.first;
        std::byte* const to = range.pairs + line * per_tap * pair_bytes;
        for (std::int64_t j = 0; j < range.count; j += 2) {
          // An odd last weight is paired with a zero at its own place.
          const bool alone = j + 1 == range.count;
          const std::int64_t k = alone ? j : j + 1;
          const auto offset = [&](std::int64_t i) {
            return static_cast<std::uint16_t>((i / pattern.n * pattern.m + index[i]) * 64);
          };
          const auto weights = [&](const float* v) { return pair_of(v[j], alone ? 0.0f : v[k]); };
          if (together == 1) {
            reinterpret_cast<NmPair*>(to)[j / 2] = {weights(value), offset(j), offset(k)};
          } else {
            const std::uint32_t below = row + 1 < rows ? weights(value + taps * kept) : 0;
            reinterpret_cast<NmSharedPair*>(to)[j / 2] = {{weights(value), below}, offset(j), offset(k)};
          }
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
  const float* const from = weight.data<float>();

  DensePairForm form{{}, Scratch(panels * panel_rows * taps * (ceil_div(channels, 2) + 1))};
  auto* next = reinterpret_cast<std::uint32_t*>(form.memory.data());
  for (std::int64_t first = 0; first < channels; first += channel_block) {
    const std::int64_t count = ceil_div(std::min(channel_block, channels - first), 2);
    form.blocks.push_back({next, static_cast<int>(count), taps * count * panel_rows});
    next += panels * taps * count * panel_rows;
  }
  const auto target = [&](std::size_t block, std::int64_t panel, std::int64_t tap) {
    const DensePairWeights& weights = form.blocks[block];
    return const_cast<std::uint32_t*>(weights.values) + panel * weights.panel_stride +
           tap * weights.channel_pairs * panel_rows;
  };
  const auto blocks = static_cast<std::int64_t>(form.blocks.size());
  if (!transposed) {  // rows are read from their first weight to their last
    parallel_for(panels, 1, [&](std::int64_t begin, std::int64_t end) {
      std::vector<std::uint32_t> line(static_cast<std::size_t>(ceil_div(channel_block, 2)));
      for (std::int64_t i = begin * blocks * taps; i < end * blocks * taps; ++i) {
        const std::int64_t panel = i / (blocks * taps);
        const std::int64_t tap = i / blocks % taps;
        const std::int64_t block = i % blocks;
        const std::int64_t first = block * channel_block;
        const std::int64_t count = std::min(channel_block, channels - first);
        std::uint32_t* const to = target(static_cast<std::size_t>(block), panel, tap);
        for (std::int64_t r = 0; r < panel_rows; ++r) {
          const std::int64_t row = panel * panel_rows + r;
          if (row < rows) {
            pairs_along(from + (row * taps + tap) * in + first, count, line.data());
          } else {
            std::fill(line.begin(), line.end(), 0);
          }
          for (std::int64_t pair = 0; pair < ceil_div(count, 2); ++pair)
            to[pair * panel_rows + r] = line[static_cast<std::size_t>(pair)];
        }
      }
    });
    return form;
  }
  // A few pairs of channels at a time, which lie far apart, for all rows: panels get runs.
  constexpr std::int64_t kRun = 8;
  const std::int64_t runs = ceil_div(channel_block, 2 * kRun);
  const std::int64_t padded = panels * panel_rows;
  parallel_for(blocks * taps * runs, 4, [&](std::int64_t begin, std::int64_t end) {
    std::vector<std::uint32_t> lines(static_cast<std::size_t>(kRun * padded));  // rows of padding stay zero
    for (std::int64_t piece = begin; piece < end; ++piece) {
      const auto block = static_cast<std::size_t>(piece / (taps * runs));
      const std::int64_t tap = piece / runs % taps;
      const std::int64_t first = piece % runs * kRun;
      const std::int64_t last = std::min<std::int64_t>(first + kRun, form.blocks[block].channel_pairs);
      for (std::int64_t pair = first; pair < last; ++pair) {
        const std::int64_t channel = static_cast<std::int64_t>(block) * channel_block + 2 * pair;
        const float* const even = from + (channel * taps + tap) * in;
        pairs_across(even, channel + 1 < channels ? even + taps * in : nullptr, rows,
                     lines.data() + (pair - first) * padded);
      }
      for (std::int64_t panel = 0; panel < panels; ++panel) {
        std::uint32_t* const to = target(block, panel, tap);
        for (std::int64_t pair = first; pair < last; ++pair) {
          const std::uint32_t* const line = lines.data() + (pair - first) * padded + panel * panel_rows;
          for (std::int64_t r = 0; r < panel_rows; ++r) to[pair * panel_rows + r] = line[r];
        }
      }
    }
  });
  return form;
}

}  // namespace satsuma::cpu

#include "src/cpu/forms.hpp"

#include <algorithm>

#include "satsuma/core/integer.hpp"
#include "satsuma/core/memory_format.hpp"
#include "satsuma/core/parallel.hpp"
#include "src/cpu/compress.hpp"

namespace satsuma::cpu {

const NmForm& nm_form(const PackedWeight& weight, std::int64_t channel_block) {
  if (const auto* form = dynamic_cast<const NmForm*>(weight.device_form.get())) {
    if (form->channel_block == channel_block) return *form;
  }
  const PackedWeight packed = documented(weight);
  auto form = std::make_shared<NmForm>();
  form->channel_block = channel_block;
  const std::int64_t together = rows_together(packed.pattern);
  const std::int64_t rows = packed.rows();
  const std::int64_t sets = ceil_div(rows, together);
  const std::int64_t taps = packed.values.dim(1) * packed.values.dim(2);
  const std::int64_t kept = packed.kept();
  const std::int64_t channels = packed.dense_shape[packed.axis == GroupAxis::input_channels ? 1 : 0];
  const Pattern pattern = packed.pattern;
  const std::int64_t entry_bytes = together == 1 ? sizeof(NmEntry) : sizeof(NmSharedEntry);
  form->memory = allocate_host(static_cast<std::size_t>(sets * taps * kept * entry_bytes));

  // Blocks hold whole groups, so the entries of a block are consecutive in `packed` too.
  struct Block {
    std::int64_t first_kept;
    std::int64_t per_tap;
    std::byte* entries;
  };
  std::vector<Block> blocks;
  std::byte* next = form->memory.get();
  for (std::int64_t first = 0; first < channels; first += channel_block) {
    const std::int64_t before = kept_along(pattern, first);
    const std::int64_t per_tap = kept_along(pattern, std::min(first + channel_block, channels)) - before;
    blocks.push_back({before, per_tap, next});
    form->blocks.push_back({next, static_cast<int>(per_tap), taps * per_tap});
    next += sets * taps * per_tap * entry_bytes;
  }
  const float* const values = std::as_const(packed.values).data<float>();
  const std::uint8_t* const indices = std::as_const(packed.indices).data<std::uint8_t>();
  parallel_for(sets, 1, [&](std::int64_t begin, std::int64_t end) {
    for (const Block& block : blocks) {
      for (std::int64_t set = begin; set < end; ++set) {
        const std::int64_t row = set * together;
        for (std::int64_t tap = 0; tap < taps; ++tap) {
          const float* const value = values + (row * taps + tap) * kept + block.first_kept;
          const std::uint8_t* const index =
              indices + (row / pattern.shared * taps + tap) * kept + block.first_kept;
          std::byte* const to = block.entries + (set * taps + tap) * block.per_tap * entry_bytes;
          for (std::int64_t j = 0; j < block.per_tap; ++j) {
            // `first_kept` starts a group, so counting groups from it is enough.
            const auto offset =
                static_cast<std::uint32_t>((j / pattern.n * pattern.m + index[j]) * kLanes * 4);
            if (together == 1) {
              reinterpret_cast<NmEntry*>(to)[j] = {value[j], offset};
            } else {
              const float below = row + 1 < rows ? value[j + taps * kept] : 0.0f;
              reinterpret_cast<NmSharedEntry*>(to)[j] = {{value[j], below}, offset};
            }
          }
        }
      }
    }
  });
  weight.device_form = form;
  return *form;
}

DenseForm dense_form(const Tensor& weight, std::int64_t channel_block, bool transposed) {
  const std::int64_t row_axis = transposed ? 1 : 0;
  const std::int64_t rows = weight.shape()[static_cast<int>(row_axis)];
  const std::int64_t channels = weight.shape()[static_cast<int>(1 - row_axis)];
  const std::int64_t taps = weight.dim(2) * weight.dim(3);
  const std::int64_t in = weight.dim(1);
  const std::int64_t panel_rows = kernels().dense_rows;
  const std::int64_t panels = ceil_div(rows, panel_rows);
  // In channels-last memory an element (k, c) of tap t lies at (k * taps + t) * C + c.
  const std::int64_t row_stride = transposed ? 1 : taps * in;
  const std::int64_t channel_stride = transposed ? taps * in : 1;
  const float* const from = weight.data<float>();

  DenseForm form{{}, Scratch(panels * panel_rows * taps * channels)};
  float* next = form.memory.data();
  for (std::int64_t first = 0; first < channels; first += channel_block) {
    const std::int64_t count = std::min(channel_block, channels - first);
    const std::int64_t panel_floats = taps * count * panel_rows;
    form.blocks.push_back({next, static_cast<int>(count), panel_floats});
    next += panels * panel_floats;
  }
  // Sixteen channels at a time: whole cache lines are read in either orientation, and each panel gets a run
  // of its own.
  constexpr std::int64_t kRun = 16;
  const std::int64_t runs = ceil_div(channel_block, kRun);
  const auto pieces = static_cast<std::int64_t>(form.blocks.size()) * taps * runs;
  parallel_for(pieces, 4, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t piece = begin; piece < end; ++piece) {
      const std::int64_t block = piece / (taps * runs);
      const std::int64_t tap = piece / runs % taps;
      const DenseWeights& target = form.blocks[static_cast<std::size_t>(block)];
      const std::int64_t first = piece % runs * kRun;
      const std::int64_t last = std::min<std::int64_t>(first + kRun, target.channels);
      float* to = const_cast<float*>(target.values) + tap * target.channels * panel_rows;
      for (std::int64_t panel = 0; panel < panels; ++panel, to += target.panel_stride) {
        const std::int64_t row = panel * panel_rows;
        const std::int64_t used = std::min(panel_rows, rows - row);
        const float* const source =
            from + row * row_stride + tap * in + block * channel_block * channel_stride;
        for (std::int64_t c = first; c < last; ++c) {
          for (std::int64_t r = 0; r < used; ++r)
            to[c * panel_rows + r] = source[c * channel_stride + r * row_stride];
          for (std::int64_t r = used; r < panel_rows; ++r) to[c * panel_rows + r] = 0.0f;
        }
      }
    }
  });
  return form;
}

}  // namespace satsuma::cpu

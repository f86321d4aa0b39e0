#include "src/cpu/amx_form.hpp"

#include <algorithm>
#include <cstring>

#include "satsuma/core/integer.hpp"
#include "satsuma/core/parallel.hpp"
#include "src/cpu/forms.hpp"
#include "src/cpu/kernels/kernels.hpp"
#include "src/cpu/pair_forms.hpp"

namespace satsuma::cpu {

namespace {

/// A weight in channels-last memory as a matrix under one kernel position.
struct Matrix {
  const float* from;  ///< element (k, c) at k * stride + c
  std::int64_t stride;
  std::int64_t outputs;  ///< of the layer
  std::int64_t inputs;
};

/// Rows from `row` on are output channels, terms from `term` on input channels.
void tile_of(const Matrix& m, std::int64_t row, std::int64_t term, const AmxForms& forms, char* to) {
  const std::int64_t rows = std::min(kAmxRows, m.outputs - row);
  const std::int64_t terms = std::min(kAmxTerms, m.inputs - term);
  const float* const from = m.from + row * m.stride + term;
  if (rows == kAmxRows && terms == kAmxTerms) return forms.round_tile(from, m.stride, to);
  float padded[kAmxRows * kAmxTerms] = {};
  for (std::int64_t r = 0; r < rows; ++r) std::copy_n(from + r * m.stride, terms, padded + r * kAmxTerms);
  forms.round_tile(padded, kAmxTerms, to);
}

/// Rows from `row` on are input channels, terms from `term` on output channels.
void transposed_tile_of(const Matrix& m, std::int64_t row, std::int64_t term, const AmxForms& forms,
                        char* to) {
  alignas(64) float turned[kAmxRows * kAmxTerms] = {};
  const std::int64_t rows = std::min(kAmxRows, m.inputs - row);
  const std::int64_t terms = std::min(kAmxTerms, m.outputs - term);
  const float* const from = m.from + term * m.stride + row;
  if (rows == kAmxRows && terms == kAmxTerms) {
    for (std::int64_t half = 0; half < kAmxTerms; half += kAmxRows)
      kernels().transpose_square(from + half * m.stride, m.stride, turned + half, kAmxTerms);
  } else {
    for (std::int64_t k = 0; k < terms; ++k) {
      for (std::int64_t r = 0; r < rows; ++r) turned[r * kAmxTerms + k] = from[k * m.stride + r];
    }
  }
  forms.round_tile(turned, kAmxTerms, to);
}

AmxForm form_of(std::int64_t rows, std::int64_t taps, std::int64_t terms) {
  const std::int64_t chunks = ceil_div(terms, kAmxTerms);
  const std::int64_t panel_bytes = taps * chunks * kAmxTileBytes;
  AmxForm form{{},
               Scratch(ceil_div(rows, kAmxRows) * panel_bytes / static_cast<std::int64_t>(sizeof(float)))};
  form.weights = {reinterpret_cast<const char*>(form.memory.data()), static_cast<int>(chunks), panel_bytes};
  return form;
}

/// Writes pairs of kept weights of a block of channels to where they belong in the tiles of one row and tap.
class KeptWeights {
 public:
  /// `row` is that of the first tile; `first` the first channel of the block.
  KeptWeights(char* row, std::int64_t first) : row_(row), first_(first) {}

  void put(std::uint16_t first, std::uint16_t second, std::uint32_t weights) const {
    put(second, static_cast<std::uint16_t>(weights >> 16));
    // An odd last weight has a zero beside it at its own place.
    put(first, static_cast<std::uint16_t>(weights));
  }

 private:
  static constexpr std::int64_t kChannelBytes = 64;

  void put(std::uint16_t offset, std::uint16_t weight) const {
    const std::int64_t channel = first_ + offset / kChannelBytes;
    char* const to = row_ + channel / kAmxTerms * kAmxTileBytes + channel % kAmxTerms * 2;
    std::memcpy(to, &weight, sizeof(weight));
  }

  char* row_;
  std::int64_t first_;
};

}  // namespace

AmxForm amx_form(const PackedWeight& packed) {
  const Pattern pattern = packed.pattern;
  const std::int64_t taps = packed.dense_shape[2] * packed.dense_shape[3];
  const std::int64_t rows = packed.rows();
  const std::int64_t channels = packed.dense_shape[packed.axis == GroupAxis::input_channels ? 1 : 0];
  const std::int64_t channel_block = kMostPairChannels / pattern.m * pattern.m;
  const NmPairForm& pairs = nm_pair_form(packed, channel_block);
  const std::int64_t together = rows_together(pattern);

  AmxForm form = form_of(rows, taps, channels);
  const std::int64_t panel_bytes = form.weights.panel_stride;
  const std::int64_t tap_bytes = form.weights.chunks * kAmxTileBytes;
  char* const tiles = reinterpret_cast<char*>(form.memory.data());
  parallel_for(ceil_div(rows, kAmxRows), 1, [&](std::int64_t begin, std::int64_t end) {
    std::memset(tiles + begin * panel_bytes, 0, static_cast<std::size_t>((end - begin) * panel_bytes));
    for (std::int64_t row = begin * kAmxRows; row < std::min(end * kAmxRows, rows); row += together) {
      for (std::int64_t tap = 0; tap < taps; ++tap) {
        char* const to =
            tiles + row / kAmxRows * panel_bytes + tap * tap_bytes + row % kAmxRows * kAmxRowBytes;
        std::int64_t first = 0;
        for (const NmPairWeights& block : pairs.blocks) {
          const std::int64_t at = row / together * block.row_stride + tap * block.per_tap;
          const KeptWeights upper(to, first);
          const KeptWeights lower(to + kAmxRowBytes, first);
          for (std::int64_t i = at; i < at + block.per_tap; ++i) {
            if (together == 1) {
              const NmPair& pair = static_cast<const NmPair*>(block.pairs)[i];
              upper.put(pair.first, pair.second, pair.weights);
            } else {
              // An odd last row is followed by one of zeros in the same tile.
              const NmSharedPair& pair = static_cast<const NmSharedPair*>(block.pairs)[i];
              upper.put(pair.first, pair.second, pair.weights[0]);
              lower.put(pair.first, pair.second, pair.weights[1]);
            }
          }
          first += channel_block;
        }
      }
    }
  });
  return form;
}

AmxForm amx_form(const Tensor& weight, bool transposed) {
  const std::int64_t taps = weight.dim(2) * weight.dim(3);
  const std::int64_t inputs = weight.dim(1);
  const std::int64_t rows = weight.dim(transposed ? 1 : 0);
  const std::int64_t terms = weight.dim(transposed ? 0 : 1);
  const std::int64_t panels = ceil_div(rows, kAmxRows);

  AmxForm form = form_of(rows, taps, terms);
  const std::int64_t chunks = form.weights.chunks;
  const std::int64_t panel_bytes = form.weights.panel_stride;
  char* const tiles = reinterpret_cast<char*>(form.memory.data());
  const float* const from = weight.data<float>();
  const AmxForms& forms = amx_forms();
  parallel_for(panels, 1, [&](std::int64_t begin, std::int64_t end) {
    char* to = tiles + begin * panel_bytes;
    for (std::int64_t panel = begin; panel < end; ++panel) {
      for (std::int64_t tap = 0; tap < taps; ++tap) {
        const Matrix matrix{from + tap * inputs, taps * inputs, weight.dim(0), inputs};
        for (std::int64_t chunk = 0; chunk < chunks; ++chunk, to += kAmxTileBytes) {
          if (transposed) {
            transposed_tile_of(matrix, panel * kAmxRows, chunk * kAmxTerms, forms, to);
          } else {
            tile_of(matrix, panel * kAmxRows, chunk * kAmxTerms, forms, to);
          }
        }
      }
    }
  });
  return form;
}

}  // namespace satsuma::cpu

#include "src/cpu/amx_form.hpp"

#include <algorithm>

#include "satsuma/core/integer.hpp"
#include "satsuma/core/parallel.hpp"
#include "src/cpu/kernels/kernels.hpp"

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

}  // namespace

AmxForm amx_form(const Tensor& weight, bool transposed) {
  const std::int64_t taps = weight.dim(2) * weight.dim(3);
  const std::int64_t inputs = weight.dim(1);
  const std::int64_t rows = weight.dim(transposed ? 1 : 0);
  const std::int64_t terms = weight.dim(transposed ? 0 : 1);
  const std::int64_t panels = ceil_div(rows, kAmxRows);
  const std::int64_t chunks = ceil_div(terms, kAmxTerms);
  const std::int64_t panel_bytes = taps * chunks * kAmxTileBytes;

  AmxForm form{{}, Scratch(panels * panel_bytes / static_cast<std::int64_t>(sizeof(float)))};
  char* const tiles = reinterpret_cast<char*>(form.memory.data());
  form.weights = {tiles, static_cast<int>(chunks), panel_bytes};
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

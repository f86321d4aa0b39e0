#pragma once

#include <cstdint>

#include "satsuma/sparse/pattern.hpp"
#include "src/cpu/kernels/sample.hpp"

// Products of a sampled output gradient with x, of f32: lanes are input channels, and a kept value is one
// broadcast and one offset.

namespace satsuma::cpu {

/// Most kernel positions of a row that share a broadcast, and most vectors of input channels under each.
inline constexpr int kMostSampledTaps = 3;
inline constexpr int kMostSampledVectors = 4;

/// dw[row][tap][channel] (+)= sum over entries of value[row] * x[offset[row] + taps[tap] + channel].
struct SampledTile {
  const void* entries = nullptr;  ///< SampledEntries, of pairs of rows SampledSharedEntries
  std::int64_t count = 0;
  int rows = 0;                         ///< output channels, at most 16, or 32 in pairs
  const char* x = nullptr;              ///< [pixel][image][channel]
  std::int64_t taps[kMostSampledTaps];  ///< bytes
  int tap_count = 0;
  int vectors = 0;
  float* dw = nullptr;  ///< aligned
  std::int64_t row_stride = 0;
  std::int64_t tap_stride = 0;
  bool accumulate = false;
};

/// Kernels of rows by themselves, or of pairs of rows that share their images.
struct SampledRowKernels {
  int vectors;            ///< most vectors of x under kMostSampledTaps positions, and so
  int pointwise_vectors;  ///< many under fewer
  std::int64_t entry_bytes;
  void (*products)(const SampledTile&);
};

struct SampledKernels {
  int vector;  ///< channels in a vector of x
  SampledRowKernels rows;
  SampledRowKernels shared;

  const SampledRowKernels& of(Pattern pattern) const { return pattern.shared > 1 ? shared : rows; }
};

extern const SampledKernels kPlainSampledKernels;
extern const SampledKernels kAvx2SampledKernels;
extern const SampledKernels kAvx512SampledKernels;

/// The kernels of active_isa().
const SampledKernels& sampled_kernels();

}  // namespace satsuma::cpu

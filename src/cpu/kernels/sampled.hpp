#pragma once

#include <cstdint>

#include "src/cpu/kernels/sample.hpp"

// Products of a sampled output gradient with x: lanes are input channels, and a kept value is one broadcast
// and one offset.

namespace satsuma::cpu {

/// Most kernel positions of a row that share a broadcast, and most vectors of input channels under each.
inline constexpr int kMostSampledTaps = 3;
inline constexpr int kMostSampledVectors = 4;

/// dw[row][tap][channel] (+)= sum over entries of value[row] * x[offset[row] + taps[tap] + channel].
struct SampledTile {
  const SampledEntries* entries = nullptr;
  std::int64_t count = 0;
  int rows = 0;                         ///< output channels, at most 16
  const char* x = nullptr;              ///< [pixel][image][channel]
  std::int64_t taps[kMostSampledTaps];  ///< bytes
  int tap_count = 0;
  int vectors = 0;
  float* dw = nullptr;  ///< aligned
  std::int64_t row_stride = 0;
  std::int64_t tap_stride = 0;
  bool accumulate = false;
};

struct SampledKernels {
  int vector;  ///< floats in a register
  void (*products)(const SampledTile&);
};

extern const SampledKernels kPlainSampledKernels;
extern const SampledKernels kAvx2SampledKernels;
extern const SampledKernels kAvx512SampledKernels;

/// The kernels of active_isa().
const SampledKernels& sampled_kernels();

}  // namespace satsuma::cpu

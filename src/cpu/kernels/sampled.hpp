#pragma once

#include <cstdint>

#include "satsuma/core/dtype.hpp"
#include "satsuma/sparse/pattern.hpp"
#include "src/cpu/kernels/sample.hpp"

// Products of a sampled output gradient with x: lanes are input channels, and a kept value is one broadcast
// and one offset.

namespace satsuma::cpu {

/// Most kernel positions of a row that share a broadcast, and most vectors of input channels under each.
inline constexpr int kMostSampledTaps = 3;
inline constexpr int kMostSampledVectors = 4;

/// Two kept elements of sixteen output channels side by side, for products of bf16.
struct SampledPairs {
  std::uint32_t values[16];  ///< bf16 of the first in the lower half, of the second in the upper
  std::uint32_t first[16];   ///< as SampledEntries::offset
  std::uint32_t second[16];
};

/// The same of sixteen pairs of output channels that share their images.
struct SampledSharedPairs {
  std::uint32_t values[2][16];
  std::uint32_t first[16];
  std::uint32_t second[16];
};

/// dw[row][tap][channel] (+)= sum over entries of value[row] * x[offset[row] + taps[tap] + channel].
struct SampledTile {
  const void* entries =
      nullptr;  ///< SampledEntries, or SampledPairs in bf16; of pairs of rows the shared ones
  std::int64_t count = 0;
  int rows = 0;  ///< output channels, at most 16, or 32 in pairs
  /// f32: [pixel][image][channel]. bf16: [pixel][vector][image][thirty-two channels], these as pack_wide()
  /// arranges two times sixteen.
  const char* x = nullptr;
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
  /// Rounds `count` entries, of which an odd last one is paired with zero; null where entries are taken as
  /// they are.
  void (*pair_up)(const void* entries, int count, void* to);
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

extern const SampledKernels kAvx512Bf16SampledKernels;

/// The kernels of active_isa() for products of f32 or, where bf16_kernels() are, of bf16.
const SampledKernels& sampled_kernels(DType operands);

}  // namespace satsuma::cpu

#pragma once

#include <cstdint>

#include "satsuma/core/dtype.hpp"
#include "src/cpu/kernels/kernels.hpp"

// Products of an output gradient that is pruned along output channels, each image for itself, with a dense
// weight: lanes are input channels, and a kept value is one broadcast and one row of weights.

namespace satsuma::cpu {

/// One pixel of dx of up to sixteen images: sums[image][channel] += sum over taps and entries of value *
/// weights[tap][offset + channel].
struct PrunedTile {
  /// [tap]: those of the first image under it, NmEntry or, in bf16, NmPair; images follow.
  const void* const* entries = nullptr;
  /// [tap]: row of the first output channel. bf16: of its first thirty-two input channels, as pack_wide()
  /// arranges two times sixteen; `plane_bytes` behind it those of the next.
  const char* const* weights = nullptr;
  std::int64_t plane_bytes = 0;
  int tap_count = 0;
  std::int64_t per_image = 0;  ///< entries of an image under a tap
  int images = 0;
  float* sums = nullptr;  ///< [image][vectors], aligned
  int vectors = 0;
};

struct PrunedKernels {
  int vector;   ///< channels in a vector of weights
  int vectors;  ///< most in a row
  void (*products)(const PrunedTile&);
};

extern const PrunedKernels kPlainPrunedKernels;
extern const PrunedKernels kAvx2PrunedKernels;
extern const PrunedKernels kAvx512PrunedKernels;
extern const PrunedKernels kAvx512Bf16PrunedKernels;

/// The kernels of active_isa() for products of f32 or, where bf16_kernels() are, of bf16.
const PrunedKernels& pruned_kernels(DType operands);

}  // namespace satsuma::cpu

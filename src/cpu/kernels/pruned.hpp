#pragma once

#include <cstdint>

#include "src/cpu/kernels/kernels.hpp"

// Products of an output gradient that is pruned along output channels, each image for itself, with a dense
// weight: lanes are input channels, and a kept value is one broadcast and one row of weights.

namespace satsuma::cpu {

/// One pixel of dx of up to sixteen images: sums[image][channel] += sum over taps and entries of value *
/// weights[tap][offset + channel].
struct PrunedTile {
  const NmEntry* const* entries = nullptr;  ///< [tap]: those of the first image under it; images follow
  const char* const* weights = nullptr;     ///< [tap]: row of the first output channel
  int tap_count = 0;
  std::int64_t per_image = 0;  ///< entries of an image under a tap
  int images = 0;
  float* sums = nullptr;  ///< [image][vectors], aligned
  int vectors = 0;
};

struct PrunedKernels {
  int vector;   ///< floats in a register
  int vectors;  ///< most in a row
  void (*products)(const PrunedTile&);
};

extern const PrunedKernels kPlainPrunedKernels;
extern const PrunedKernels kAvx2PrunedKernels;
extern const PrunedKernels kAvx512PrunedKernels;

/// The kernels of active_isa().
const PrunedKernels& pruned_kernels();

}  // namespace satsuma::cpu

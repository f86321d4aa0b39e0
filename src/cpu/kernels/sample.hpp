#pragma once

#include <cstdint>

// Sampling of an output gradient along images (satsuma/sparse/sampling.hpp), sixteen output channels at a
// time. Compiled without contraction of products and sums, so that every instruction set chooses as
// sample_group() does.

namespace satsuma::cpu {

/// Kept elements of sixteen output channels side by side: what the weight-gradient kernel reads.
struct SampledEntries {
  float value[16];
  std::uint32_t offset[16];  ///< bytes to the inputs of the pixel and image that a value belongs to
};

/// One group of images of sixteen output channels.
struct SampleArgs {
  const float* values = nullptr;  ///< [image][16], aligned
  int length = 0;                 ///< images, at most 16
  int kept = 0;
  std::uint64_t line = 0;         ///< sample_line()
  std::uint32_t channel = 0;      ///< of the first of the sixteen
  std::uint32_t offset = 0;       ///< SampledEntries::offset of the first image
  std::uint32_t image_bytes = 0;  ///< between images
  SampledEntries* to = nullptr;   ///< [kept]
};

struct SampleKernels {
  void (*sample)(const SampleArgs&);
};

extern const SampleKernels kPlainSampleKernels;
extern const SampleKernels kAvx2SampleKernels;
extern const SampleKernels kAvx512SampleKernels;

/// The kernels of active_isa().
const SampleKernels& sample_kernels();

}  // namespace satsuma::cpu

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

/// The same of sixteen pairs of neighbouring output channels that share their images.
struct SampledSharedEntries {
  float value[2][16];
  std::uint32_t offset[16];
};

/// One group of images of sixteen output channels, or of sixteen pairs of them.
struct SampleArgs {
  const float* values[2] = {};   ///< [image][16], aligned, of the (first, second) channels
  const float* sizes = nullptr;  ///< [image][16]: what pairs are drawn by; null where there are none
  int length = 0;                ///< images, at most 16
  int kept = 0;
  std::uint64_t line = 0;                   ///< sample_line()
  const std::uint32_t* channels = nullptr;  ///< [16], whose random numbers are used
  std::uint32_t offset = 0;                 ///< of the first image, as entries have it
  std::uint32_t image_bytes = 0;            ///< between images
  void* to = nullptr;                       ///< SampledEntries or SampledSharedEntries [kept]
};

struct SampleKernels {
  void (*sample)(const SampleArgs&);
  void (*sample_shared)(const SampleArgs&);
};

extern const SampleKernels kPlainSampleKernels;
extern const SampleKernels kAvx2SampleKernels;
extern const SampleKernels kAvx512SampleKernels;

/// The kernels of active_isa().
const SampleKernels& sample_kernels();

}  // namespace satsuma::cpu

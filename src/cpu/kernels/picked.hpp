#pragma once

#include <cstdint>

#include "satsuma/core/dtype.hpp"
#include "satsuma/sparse/pattern.hpp"
#include "src/cpu/kernels/bf16.hpp"
#include "src/cpu/kernels/sampled.hpp"

// Products of a sampled output gradient with x whose operands are bf16. Lanes are output channels: a vector
// has kWideLanes images of one pixel and input channel of x, and each lane picks the two out of it that its
// output channel kept.

namespace satsuma::cpu {

/// Input channels whose sums lie together.
inline constexpr std::int64_t kPickedChannels = 16;

/// Two kept elements of sixteen output channels side by side, or of sixteen times Rows of them that share
/// their images: the first in the lower half, the second in the upper.
template <int Rows>
struct PickedPairs {
  std::uint32_t values[Rows][16];  ///< bf16
  std::uint32_t images[16];        ///< of a vector of x
};

struct PickedPixel {
  std::int64_t x;      ///< bytes behind PickTile::x
  std::int64_t pairs;  ///< kept there
};

/// sums[tap][channel][row][lane] (+)= sum over pixels, and both elements of their pairs, of value[row][lane]
/// * x[pixel + taps[tap]][channel][image[lane]].
struct PickTile {
  const void* pairs = nullptr;  ///< PickedPairs of all pixels in turn
  const PickedPixel* pixels = nullptr;
  std::int64_t pixel_count = 0;
  const char* x = nullptr;              ///< vectors of the images of `channels` input channels behind a pixel
  int channels = 0;                     ///< as PickRowKernels has it
  std::int64_t taps[kMostSampledTaps];  ///< bytes
  int tap_count = 0;
  float* sums = nullptr;        ///< aligned
  std::int64_t tap_stride = 0;  ///< floats
  bool accumulate = false;
  const float* next_sums = nullptr;  ///< `sums` of the next call, fetched meanwhile; null for none
};

/// Kernels of rows by themselves, or of pairs of rows that share their images.
struct PickRowKernels {
  int channels;            ///< input channels of a tile of several kernel positions, and of one
  int pointwise_channels;  ///< position; both divide kPickedChannels
  std::int64_t pair_bytes;
  void (*products)(const PickTile&);
  /// Rounds `count` SampledEntries or SampledSharedEntries, whose offsets are images. An odd last one is
  /// paired with zero times the same image.
  void (*pair_up)(const void* entries, int count, void* to);
};

struct PickKernels {
  PickRowKernels rows;
  PickRowKernels shared;
  /// Vectors of `channels` of a pixel of two blocks of images, rounded. A null `second` stands for zeros.
  void (*pack)(const float* first, const float* second, std::int64_t channels, void* to);

  const PickRowKernels& of(Pattern pattern) const { return pattern.shared > 1 ? shared : rows; }
};

extern const PickKernels kAvx512Bf16PickKernels;

/// The kernels of active_isa() for products of `operands`; null where lanes are input channels, as
/// sampled_kernels() has them.
const PickKernels* pick_kernels(DType operands);

}  // namespace satsuma::cpu

#pragma once

#include <cstdint>

// Kernels for activations in channels-last memory, of which there are too few images for lanes of images:
// the lanes of a vector are output channels. A panel is as many of them as a tile works on, in vectors.

namespace satsuma::cpu {

/// Most outputs in a panel, of any instruction set.
inline constexpr int kMostPanel = 32;
/// Most pixels in a tile, of any instruction set.
inline constexpr int kMostPixels = 12;

/// `pixels` output pixels by one panel of their channels. Which pixels of the input they read is said by
/// pointers, so that no kernel knows of strides, padding and images.
struct PanelTile {
  int pixels = 0;
  const float* const* input = nullptr;  ///< [tap_count][pixels]: channel 0 of the pixel under the tap
  const std::int32_t* taps = nullptr;   ///< [tap_count]: r * S + s, which picks the weights
  int tap_count = 0;
  float* const* output = nullptr;  ///< [pixels]: first channel of the panel
  int outputs = 0;                 ///< channels of the panel that exist
  const float* bias = nullptr;     ///< of the panel's first channel; null for none
};

/// A panel of a dense weight: values [tap][channel][panel], zero for outputs that do not exist.
struct DensePanel {
  const float* values = nullptr;
  std::int64_t channels = 0;
};

/// A panel of an N:M weight: values and positions inside their group, [tap][kept][panel]. Whole groups keep
/// `n` of `m`; a short one at the end has `rest` channels and keeps `rest_kept`.
struct NmPanel {
  const float* values = nullptr;
  const std::uint8_t* indices = nullptr;
  std::int64_t kept = 0;
  std::int64_t groups = 0;  ///< whole ones
  int n = 1;
  int m = 1;
  int rest = 0;
  int rest_kept = 0;
};

struct ChannelsLastKernels {
  int panel;      ///< outputs side by side
  int pixels;     ///< most pixels in a dense tile
  int nm_pixels;  ///< most pixels in an N:M tile
  int nm_group;   ///< longest group that the N:M kernel can take; 0 where there is none
  void (*dense)(const PanelTile&, const DensePanel&);
  /// For each kept weight of a panel the vector of its inputs is a permutation of the group's channels.
  void (*nm)(const PanelTile&, const NmPanel&);
};

extern const ChannelsLastKernels kPlainChannelsLast;
extern const ChannelsLastKernels kAvx2ChannelsLast;
extern const ChannelsLastKernels kAvx512ChannelsLast;

/// The kernels of active_isa().
const ChannelsLastKernels& channels_last_kernels();

}  // namespace satsuma::cpu

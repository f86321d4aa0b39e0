#pragma once

#include <cstdint>

#include "satsuma/core/cpu.hpp"
#include "src/cpu/kernels/kernels.hpp"

// Dense kernels of AMX. One instruction multiplies a tile of 16 x 32 bf16 by one of 32 x 16 and adds to 16 x
// 16 sums in f32: the products of an even and of an odd place of the 32 are summed apart, each rising, then
// added to each other and to what the sums were; numbers below the least normal one count as zero.
//
// A tile has sixteen rows of 64 bytes:
//   first factor   [row][32 terms]
//   second factor  [pair of terms][column][2 terms]
//   sums           [row][column]

namespace satsuma::cpu {

inline constexpr std::int64_t kAmxRows = 16;   ///< of the first factor: output channels
inline constexpr std::int64_t kAmxTerms = 32;  ///< that one instruction sums over
inline constexpr std::int64_t kAmxRowBytes = 64;
inline constexpr std::int64_t kAmxTileBytes = 1024;

/// A dense weight as first factors: [row / 16][tap][channel / 32][tile], padded with zeros.
struct AmxWeights {
  const char* tiles = nullptr;
  int chunks = 0;                 ///< of 32 channels
  std::int64_t panel_stride = 0;  ///< bytes between groups of rows
};

/// The kernels, written once (amx_body.hpp) and compiled for the instructions and for their emulation.
struct AmxKernels {
  /// Prepares a thread for the others, whose calls it frames.
  void (*configure)();
  void (*release)();
  /// A tile as TileArgs has it, of one line and all input channels: `input` points to second factors
  /// [channel / 32][tile] of a pixel (AmxForms::pack), `output` is [count]. Nothing rests in `partial`.
  void (*dense)(const TileArgs&, const AmxWeights&);
  /// As GradientArgs says, but for: rows beyond a multiple of sixteen are written as well; terms are 32
  /// images, x is [pair of images][channel], two bf16 each, dy [row][32 images]; PixelPair's `lanes` is not
  /// read.
  void (*gradient)(const GradientArgs&);
  /// `count` times four products of tiles, out of registers alone: what to hold the others against.
  void (*multiply)(std::int64_t count);
};

/// Multiply-adds of AmxKernels::multiply.
inline constexpr std::int64_t kAmxMultiplyProducts = 4 * kAmxRows * kAmxRows * kAmxTerms;

inline constexpr int kAmxGradientRows = 32;
inline constexpr int kAmxGradientVectors = 2;  ///< of sixteen input channels

extern const AmxKernels kAmxKernels;
extern const AmxKernels kAmxEmulation;

/// What rounds f32 to factors. All are for sixteen images, a block.
struct AmxForms {
  /// Second factors [channel / 32][tile] of a pixel's `channels`; terms are channels, columns are images.
  void (*pack)(const float* from, std::int64_t channels, void* to);
  /// A first factor: sixteen rows of 32 floats, `stride` floats apart.
  void (*round_tile)(const float* from, std::int64_t stride, void* to);
  /// As Bf16Kernels::transpose_pairs.
  void (*transpose_pairs)(const float* from, int channels, float* to, std::int64_t stride);
  /// As Bf16Kernels::round_rows.
  void (*round_rows)(const float* from, std::int64_t rows, int lanes, float* to, std::int64_t stride);
};

extern const AmxForms kPlainAmxForms;
extern const AmxForms kAvx512Bf16AmxForms;

/// The kernels of active_amx(), or null where it has none; and the forms that suit the CPU, the same bits
/// whichever they are but for numbers below the least normal one, which AVX-512 rounds to zero.
const AmxKernels* amx_kernels();
const AmxForms& amx_forms();

/// While it lives this thread may call `kernels`; null does nothing.
class AmxScope {
 public:
  explicit AmxScope(const AmxKernels* kernels) : kernels_(kernels) {
    if (kernels_ != nullptr) kernels_->configure();
  }
  ~AmxScope() {
    if (kernels_ != nullptr) kernels_->release();
  }
  AmxScope(const AmxScope&) = delete;
  AmxScope& operator=(const AmxScope&) = delete;

 private:
  const AmxKernels* kernels_;
};

}  // namespace satsuma::cpu

#pragma once

#include <cstdint>

// Kernels of the weight update: N:M selection that ends in what the N:M kernels read.

namespace satsuma::cpu {

/// Side of the squares of weights that are compressed together, and most groups along it.
inline constexpr int kSquare = 16;
inline constexpr int kMostGroups = kSquare / 2;
inline constexpr int kMostKept = 8;  ///< N that the kernels take

/// What a kept weight takes as NmEntry, and two of them as NmPair.
inline constexpr int kItemBytes = 8;
/// What it takes as NmSharedEntry, and two of them as NmSharedPair.
inline constexpr int kSharedItemBytes = 12;

/// A square of weights, sixteen lanes of sixteen positions along the axis of the groups. M is 2, 4, 8 or 16,
/// and N < M. Of each group in each lane the kept weights go to `groups[g].to + lane * stride`: N NmEntry, or
/// N / 2 NmPair (N even). Where `shared` > 1 neighbouring lanes share their positions, those of each two
/// lanes go to `groups[g].to + lane / 2 * stride`: N NmSharedEntry, or N / 2 NmSharedPair.
struct CompressArgs {
  const float* values = nullptr;  ///< [position][lane]
  std::int64_t stride = 0;        ///< floats between positions
  int n = 1;
  int m = 2;
  int shared = 1;
  const std::uint32_t* offsets = nullptr;  ///< [position], as entries and pairs have them
  bool pairs = false;
  struct Group {
    char* to = nullptr;
    std::int64_t stride = 0;  ///< bytes between lanes, or pairs of lanes
  };
  Group groups[kMostGroups];
};

struct UpdateKernels {
  void (*compress)(const CompressArgs&);
};

extern const UpdateKernels kPlainUpdateKernels;
extern const UpdateKernels kAvx2UpdateKernels;
extern const UpdateKernels kAvx512UpdateKernels;

/// The kernels of active_isa().
const UpdateKernels& update_kernels();

}  // namespace satsuma::cpu

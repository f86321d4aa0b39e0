#pragma once

#include <type_traits>
#include <utility>

#include "src/cpu/kernels/kernels.hpp"

// Included by the files that are compiled for one instruction set. Everything here has internal linkage, as
// in kernel_body.hpp.

namespace satsuma::cpu {

namespace {

/// Calls `kernel` with `count`, 1 to Most, as a constant: a tile that is not full has a kernel of its own.
template <int Most, typename Kernel>
inline void with_count(int count, const Kernel& kernel) {
  if constexpr (Most > 1) {
    if (count < Most) return with_count<Most - 1>(count, kernel);
  }
  kernel(std::integral_constant<int, Most>());
}

/// Calls `body` with 0, 1, ..., Count - 1 as constants. Loops over accumulators that a compiler finds too
/// long to unroll would keep them in memory.
template <int Count, typename Body>
inline void unrolled(const Body& body) {
  [&]<int... I>(std::integer_sequence<int, I...>) {
    (body(std::integral_constant<int, I>()), ...);
  }
  (std::make_integer_sequence<int, Count>());
}

/// Fetches the share of TileArgs::ahead that falls to one step of the loop over rows.
struct Ahead {
  const float* const* next;
  const float* const* end;
  int share;

  Ahead(const TileArgs& args, int rows_per_step)
      : next(args.ahead),
        end(args.ahead + args.ahead_count),
        share((args.ahead_count * rows_per_step + args.rows - 1) / args.rows) {}

  void fetch() {
    for (int i = 0; i < share && next != end; ++i) __builtin_prefetch(*next++, 0, 2);
  }
};

/// Fetches a tile of `rows` by `channels` of GradientArgs::next_dw.
inline void fetch_next(const GradientArgs& args, int rows, int channels) {
  constexpr int kLineFloats = 16;
  if (args.next_dw == nullptr) return;
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < channels; c += kLineFloats)
      __builtin_prefetch(args.next_dw + r * args.dw_stride + c, 1);
  }
}

}  // namespace

}  // namespace satsuma::cpu

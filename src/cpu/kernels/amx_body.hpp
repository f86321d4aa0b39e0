#include <cstdint>
#include <cstring>

#include "src/cpu/kernels/amx.hpp"
#include "src/cpu/kernels/dispatch.hpp"

// Included once by each of the files that define the operations on tile registers:
//
//   struct Tiles {
//     static void configure();  // eight registers of sixteen rows of 64 bytes
//     static void release();
//     template <int T> static void zero();
//     template <int T> static void load(const void* at, std::int64_t stride);  // bytes between rows
//     template <int T> static void store(void* at, std::int64_t stride);
//     template <int Sums, int First, int Second> static void multiply();  // and add
//   };
//
// Everything here has internal linkage, as in kernel_body.hpp.

namespace satsuma::cpu {

namespace {

constexpr std::int64_t kTileFloats = 256;
constexpr int kPanel = kAmxRows;

inline int least(int a, int b) {
  return a < b ? a : b;
}

/// Registers 0 to 3 have sums, R x P of them; the next R first factors, and the rest second ones in turn.
template <int R, int P>
struct Registers {
  static_assert(R * P <= 4);
  static constexpr int sums(int r, int p) { return r * P + p; }
  static constexpr int first(int r) { return 4 + r; }
  static constexpr int second(int p) { return 4 + R + p % (4 - R); }
};

/// sums[r][p] += first * second of the R tiles from `first` on, `step` bytes apart, and the P tiles at
/// `second`, whose rows are `stride` bytes apart.
template <int R, int P, int At = 0>
inline void multiply_block(const char* first, std::int64_t step, const char* const (&second)[P],
                           std::int64_t offset, std::int64_t stride) {
  constexpr int kR = At % R;
  constexpr int kP = At / R;
  using In = Registers<R, P>;
  if constexpr (kR == 0) Tiles::load<In::second(kP)>(second[kP] + offset, stride);
  if constexpr (kP == 0) Tiles::load<In::first(kR)>(first + kR * step, kAmxRowBytes);
  Tiles::multiply<In::sums(kR, kP), In::first(kR), In::second(kP)>();
  if constexpr (At + 1 < R * P) multiply_block<R, P, At + 1>(first, step, second, offset, stride);
}

/// R panels of sixteen rows by P pixels: their sums stay in registers over all taps and channels.
template <int R, int P>
void dense_block(const TileArgs& args, const AmxWeights& weights, int row, int vector, Ahead& ahead) {
  using In = Registers<R, P>;
  const int end = args.row + args.rows;
  unrolled<R>([&](auto r) {
    if (args.bias == nullptr) {
      unrolled<P>([&](auto p) { Tiles::zero<In::sums(r, p)>(); });
      return;
    }
    alignas(64) float start[kTileFloats];
    for (int i = 0; i < kPanel; ++i) {
      const int at = row + r * kPanel + i;
      for (int n = 0; n < 16; ++n) start[i * 16 + n] = at < end ? args.bias[at] : 0.0f;
    }
    unrolled<P>([&](auto p) { Tiles::load<In::sums(r, p)>(start, kAmxRowBytes); });
  });
  const char* const panel = weights.tiles + row / kPanel * weights.panel_stride;
  const std::int64_t panel_stride = weights.panel_stride;
  const std::int64_t chunk_bytes = weights.chunks * kAmxTileBytes;
  for (const Tap* tap = args.taps; tap != args.taps + args.tap_count; ++tap) {
    ahead.fetch();
    const char* const a = panel + tap->index * chunk_bytes;
    const char* b[P];
    for (int p = 0; p < P; ++p) b[p] = reinterpret_cast<const char*>(args.input[vector + p]) + tap->input[0];
    for (std::int64_t at = 0; at < chunk_bytes; at += kAmxTileBytes)
      multiply_block<R, P>(a + at, panel_stride, b, at, kAmxRowBytes);
  }
  unrolled<R>([&](auto r) {
    const int first = row + r * kPanel;
    const int rows = least(end - first, kPanel);
    unrolled<P>([&](auto p) {
      float* const to = args.output[vector + p] + first * 16;
      if (rows == kPanel) {
        Tiles::store<In::sums(r, p)>(to, kAmxRowBytes);
      } else {
        alignas(64) float all[kTileFloats];
        Tiles::store<In::sums(r, p)>(all, kAmxRowBytes);
        std::memcpy(to, all, static_cast<std::size_t>(rows * kAmxRowBytes));
      }
    });
  });
}

/// All pixels of R panels from `row` on, P at a time.
template <int R, int P>
void dense_panels(const TileArgs& args, const AmxWeights& weights, int row, Ahead& ahead) {
  int vector = 0;
  for (; vector + P <= args.count; vector += P) dense_block<R, P>(args, weights, row, vector, ahead);
  if (vector == args.count) return;
  with_count<P>(args.count - vector,
                [&](auto rest) { dense_block<R, rest>(args, weights, row, vector, ahead); });
}

void dense(const TileArgs& args, const AmxWeights& weights) {
  Ahead ahead(args, args.rows);
  const int panels = (args.rows + kPanel - 1) / kPanel;
  const int steps = (panels + 1) / 2 * ((args.count + 1) / 2) * (args.tap_count > 0 ? args.tap_count : 1);
  ahead.share = (args.ahead_count + steps - 1) / steps;
  int row = args.row;
  const int end = args.row + args.rows;
  for (; row + kPanel < end; row += 2 * kPanel) dense_panels<2, 2>(args, weights, row, ahead);
  if (row < end) dense_panels<1, 4>(args, weights, row, ahead);
}

/// R x V tiles of dw over all pixels.
template <int R, int V>
void gradient_block(const GradientArgs& args) {
  using In = Registers<R, V>;
  const std::int64_t dw_stride = args.dw_stride * 4;
  unrolled<R>([&](auto r) {
    unrolled<V>([&](auto v) {
      if (args.accumulate) {
        Tiles::load<In::sums(r, v)>(args.dw + r * kPanel * args.dw_stride + v * 16, dw_stride);
      } else {
        Tiles::zero<In::sums(r, v)>();
      }
    });
  });
  fetch_next(args, args.rows, V * 16);
  const char* x[V];
  for (int v = 0; v < V; ++v) x[v] = reinterpret_cast<const char*>(args.x) + v * kAmxRowBytes;
  const std::int64_t x_stride = args.x_stride * 4;
  const PixelPair* const end = args.pairs + args.pair_count;
  for (const PixelPair* pair = args.pairs; pair != end; ++pair) {
    const char* const dy = reinterpret_cast<const char*>(args.dy + pair->dy);
    multiply_block<R, V>(dy, kAmxTileBytes, x, pair->x * 4, x_stride);
  }
  unrolled<R>([&](auto r) {
    unrolled<V>([&](auto v) {
      Tiles::store<In::sums(r, v)>(args.dw + r * kPanel * args.dw_stride + v * 16, dw_stride);
    });
  });
}

void gradient(const GradientArgs& args) {
  const int panels = (args.rows + kPanel - 1) / kPanel;
  const int vectors = (args.channels + 15) / 16;
  with_count<kAmxGradientRows / kPanel>(panels, [&](auto r) {
    with_count<kAmxGradientVectors>(vectors, [&](auto v) { gradient_block<r, v>(args); });
  });
}

void multiply(std::int64_t count) {
  unrolled<8>([](auto t) { Tiles::zero<t>(); });
  for (std::int64_t i = 0; i < count; ++i)
    unrolled<4>([](auto t) { Tiles::multiply<t, 4 + t / 2, 6 + t % 2>(); });
}

constexpr AmxKernels amx_table() {
  return {Tiles::configure, Tiles::release, dense, gradient, multiply};
}

}  // namespace

}  // namespace satsuma::cpu

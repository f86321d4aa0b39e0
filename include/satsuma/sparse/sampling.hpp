#pragma once

#include <cstdint>
#include <string_view>

#include "satsuma/core/tensor.hpp"
#include "satsuma/sparse/pattern.hpp"

namespace satsuma {

/// What the random choice of one pass of one layer depends on, besides the place of a group: nothing is kept
/// between calls, so a resumed run, another device and another number of threads choose the same.
struct SampleKey {
  std::uint64_t seed = 0;
  std::uint64_t step = 0;
  std::uint64_t layer = 0;
  /// Lines of groups (sample_line()) before the first: those of the images that other processes have of a
  /// batch.
  std::uint64_t first_line = 0;

  /// The key of a layer by its name: `layer` is mixed as word() is, character by character.
  static SampleKey of(std::uint64_t seed, std::int64_t step, std::string_view layer);
  /// One word of all: mix(mix(mix(seed) + step) + layer) + first_line * 0x9E3779B97F4A7C15, mix() being the
  /// finaliser of SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014) of
  /// its argument plus 0x9E3779B97F4A7C15. So line l of this key is line first_line + l of the key without.
  std::uint64_t word() const;
};

/// The word of the groups that stand at one place: mix(key + line * 0x9E3779B97F4A7C15) as in
/// SampleKey::word(), line = (block * pixels + pixel) * groups + group, where `groups` = ceil(16 / M).
std::uint64_t sample_line(std::uint64_t key, std::uint64_t line);

/// Uniform in [0, 1), 24 bits, for the group of an output channel at the place `line` = sample_line(). In
/// arithmetic modulo 2^32, a and b being the lower and the upper half of `line`:
///   x = channel * 0x9E3779B9 + a;  x = (x ^ x >> 16) * 0x7FEB352D;  x ^= b;
///   x = (x ^ x >> 15) * 0x846CA68B;  x ^= x >> 16;  the number is (x >> 8) * 2^-24.
float sample_uniform(std::uint64_t line, std::uint32_t channel);

/// An output gradient of which each group of M neighbouring images keeps N.
///
/// Images are taken in blocks of sixteen, and groups run from the first image of a block; the last group of a
/// block may be short, L images that keep ceil(N * L / M). Values are row-major `[blocks, P, Q, K, kept]`,
/// kept = kept_along(pattern, 16), and images `[blocks, P, Q, ceil(K / V), kept]`: V neighbouring output
/// channels keep the same, V = pattern.shared. Groups follow each other. A last block of fewer images uses
/// the first slots only, and the rest are zeros of image 0. The gradient is the sum of its slots: two of them
/// may hold one element, see sample_group().
struct SampledGradient {
  Pattern pattern;
  Shape dense_shape;  ///< [N, K, P, Q]
  Tensor values;      ///< f32
  Tensor images;      ///< u8, position inside the block, 0 .. 15

  std::int64_t kept() const { return kept_along(pattern, 16); }
};

/// One kept element of a group.
struct SampledElement {
  float value;
  int position;
};

/// Where the elements of a group lie: element i of row v at `values[i * stride + v * row_stride]`. Rows keep
/// the same positions.
struct SampledRows {
  const float* values;
  std::int64_t stride;
  std::int64_t row_stride = 0;
  int rows = 1;    ///< that there are, at most V
  int shared = 1;  ///< V
};

/// Draws `kept` of the `length` elements of a group without bias: the expectation of an element's kept values
/// is the element. `uniform` in [0, 1) is the group's random number. Slot k of row v goes to
/// `to[v * kept + k]`.
///
/// All arithmetic is f32, each operation rounded by itself, and sums run in rising order. s_i = |values_i|.
///   1. kept - 1 times: S = sum of s, r = slots left, s_a the largest, the first of equal ones. Where s_a > 0
///      and not r * s_a < S, its inclusion probability r * s_a / S is capped at one: element a is kept as it
///      is, s_a <- 0, r <- r - 1.
///   2. The r slots that are left: S = sum of s, h = S / r, Q_i = s_0 + ... + s_i. Slot k keeps the first i
///      with Q_i > t, t = min((uniform + k) * h, the float before S), as h with the sign of values_i, which
///      is values_i over its probability s_i / h (systematic sampling).
/// So exactly `kept` slots come out; a group of fewer non-zeros keeps them all, and its other slots are
/// zeros. Rounding may put two slots on one element whose probability is within some 2^-23 of one. Infinities
/// and NaN rank first in step 1 (NaN before infinity): up to kept - 1 of them are kept as they are, and one
/// more makes the value of the last slot infinite or NaN, at a position of no meaning.
///
/// Where V > 1 s_i is the sum of their magnitudes at position i, added pairwise (rows 0 + 1, 2 + 3, ...,
/// then these pairs, and so on; missing rows are zeros), and a drawn element is kept in each row as value *
/// (h / s_i). Any positive sizes give an unbiased estimate. The root of the sum of squares
/// would have the least variance; for two rows the sum is within 3 % of it at worst, and its terms neither
/// overflow nor vanish.
void sample_group(const SampledRows& group, int length, int kept, float uniform, SampledElement* to);

/// dy [N, K, P, Q] of f32, any layout, sampled N:M along images with `key`. Slow and plain: the oracle that
/// devices are held against. Throws ShapeError unless `dy` has rank 4 and f32 elements.
SampledGradient sample_along_images(const Tensor& dy, Pattern pattern, const SampleKey& key);

/// The dense gradient [N, K, P, Q], batch-blocked, that `sampled` stands for.
Tensor expand(const SampledGradient& sampled);

}  // namespace satsuma

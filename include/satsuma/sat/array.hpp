#pragma once

#include <cstdint>

#include "satsuma/sat/config.hpp"
#include "satsuma/sat/schedule.hpp"
#include "satsuma/sparse/pattern.hpp"

namespace satsuma::sat {

/// What the formulas of the array depend on.
struct Array {
  std::int64_t rows = 32;       ///< R
  std::int64_t columns = 32;    ///< C
  std::int64_t latency = 3;     ///< L, of the accumulator
  std::int64_t interleave = 3;  ///< I, outputs that take turns
};
Array array_of(const Config& config, std::int64_t interleave);

/// A product as the array sees it: `columns` outputs side by side for each of `vectors` dense vectors, summed
/// over a reduction that comes in groups of M with N kept weights. Dense: groups of one.
struct ArrayProduct {
  std::int64_t vectors = 1;  ///< pixels in FF and BP
  std::int64_t columns = 1;  ///< output channels of the pass
  std::int64_t groups = 1;   ///< along the reduction, short ones included
  std::int64_t kept = 1;     ///< weights along the reduction, those of short groups as they are
  std::int64_t slots = 1;    ///< N
};

/// Cycles of the array, by what they are for.
struct ArrayCycles {
  std::int64_t compute = 0;      ///< a slot for a multiply-add of every USPE
  std::int64_t accumulator = 0;  ///< no slot, because the next one needs a sum that is not there yet
  std::int64_t fill = 0;         ///< loading weights, filling, draining

  std::int64_t total() const { return compute + accumulator + fill; }
  ArrayCycles& operator+=(const ArrayCycles& other);
};
ArrayCycles operator*(ArrayCycles cycles, std::int64_t times);

/// One fold of WS: the array holds R groups x C columns, `vectors` stream past. Ragged folds cost as much as
/// full ones. With P = max(I, L), B = ceil(vectors / I) blocks of I vectors, of which the last has I' :
///   load        R N
///   issue       (B - 1) ((N - 1) P + I) + (N - 1) P + I'
///   fill, drain (R - 1) ((N - 1) P + L) + (C - 1) + L - 1
/// Dense and L = 1: 2 R + C + vectors - 2, SCALE-Sim's count.
ArrayCycles weight_stationary_fold(const Array& array, std::int64_t vectors, std::int64_t slots);

/// One fold of OS: R I vectors x C columns of sums stay in the array while `kept` weights a column stream
/// past; the sums of the fold before drain through the bottom of their columns meanwhile, which takes R I.
///   issue       kept I, one for each P = max(I, L) cycles
///   fill        (R - 1) + (C - 1) + min(I, L) - 1
///   drain       what R I exceeds all that
/// Dense, I = L = 1: R + C + kept - 2.
ArrayCycles output_stationary_fold(const Array& array, std::int64_t kept);

/// The drain that output_stationary_fold() counts and the last fold of a pass need not wait for.
std::int64_t last_drain(const Array& array, std::int64_t kept);

/// Folds that cover a product: WS ceil(groups / R) ceil(columns / C), OS ceil(vectors / (R I)) ceil(columns /
/// C).
std::int64_t folds(const Array& array, Dataflow dataflow, const ArrayProduct& product);

/// Folds one after another, operands in the on-chip memories. The last fold of OS need not wait for its
/// drain: that goes on while the next work fills the array.
ArrayCycles array_cycles(const Array& array, Dataflow dataflow, const ArrayProduct& product);

/// Cycles in which SORE prunes `vectors` vectors of `length` values, each vector in a lane, a value a cycle;
/// groups follow each other. ceil(vectors / lanes) length + N, N the depth of the chain of comparators.
std::int64_t sore_cycles(const Config& config, std::int64_t vectors, std::int64_t length, Pattern pattern);

/// Cycles in which WUVE updates `weights` weights: ceil(weights / lanes) + latency - 1.
std::int64_t wuve_cycles(const Config& config, std::int64_t weights);

}  // namespace satsuma::sat

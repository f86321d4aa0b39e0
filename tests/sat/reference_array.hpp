#pragma once

#include <cstdint>
#include <vector>

namespace satsuma::sat::test {

/// A slow, plain simulation of the array, cycle by cycle: PEs with registers, wires that take a cycle, an
/// adder that is a pipeline. It knows nothing of the model's formulas; the control reacts to what it sees.

/// A kept weight of a group; `valid` is false where a short group keeps fewer than N.
struct ReferenceWeight {
  float value = 0;
  int index = 0;
  bool valid = false;
};

/// outputs[v][k] = initial[v][k] + sum over groups g and their kept weights, in that order.
struct ReferenceProduct {
  int group = 1;                            ///< M
  int slots = 1;                            ///< N
  std::vector<std::vector<float>> vectors;  ///< [vector][groups * M], zeros behind a short group
  std::vector<std::vector<std::vector<ReferenceWeight>>> weights;  ///< [group][column][N]
  std::vector<std::vector<float>> initial;                         ///< [vector][column]
};

struct ReferenceArray {
  int rows = 1;
  int columns = 1;
  int latency = 1;
  int interleave = 1;
};

struct ReferenceResult {
  std::int64_t cycles = 0;
  std::vector<std::vector<float>> outputs;
  int hazards = 0;  ///< sums that were needed before they were there, or lost: 0 unless the control is wrong
};

/// Weights stay, vectors stream; folds along the reduction hand their sums on through the output buffer.
ReferenceResult run_weight_stationary(const ReferenceArray& array, const ReferenceProduct& product);
/// Sums stay, vectors and weights stream; finished sums drain while the next fold runs.
ReferenceResult run_output_stationary(const ReferenceArray& array, const ReferenceProduct& product);

}  // namespace satsuma::sat::test

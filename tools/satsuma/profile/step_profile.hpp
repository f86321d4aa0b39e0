#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "satsuma/core/profile.hpp"
#include "satsuma/nn/module.hpp"
#include "satsuma/train/recipe.hpp"
#include "src/core/json_fwd.hpp"
#include "src/cpu/machine_peak.hpp"

namespace satsuma::tools {

/// A pass of a layer, or the update of its weight, in a training step.
struct LayerCost {
  std::string layer;
  std::string part;    ///< FF, BP, WU, update
  std::string nm;      ///< of the operand that is not dense; empty where all are
  std::string kind;    ///< of that operand: packed, sampled
  std::string device;  ///< that ran it
  bool bf16 = false;   ///< products are made of bf16
  std::int64_t macs = 0;
  std::int64_t dense_macs = 0;
  std::int64_t bytes = 0;        ///< each operand once, f32; packed weights at their packed size
  std::size_t bytes_in_use = 0;  ///< by tensors when it ended
  std::vector<double> seconds;   ///< of each step

  double gflops() const;  ///< executed, of the median
  double gigabytes_a_second() const;
};

/// What is no product: an operation in a phase, of all layers together.
struct OtherCost {
  std::string phase;
  std::string operation;
  std::vector<double> seconds;
};

/// Training steps on a fixed batch of noise, taken apart.
struct StepProfile {
  train::Recipe recipe;
  Shape input;  ///< [C, H, W]
  std::int64_t classes = 0;
  int repeat = 0;

  std::vector<double> seconds;  ///< of each step
  std::size_t peak_memory = 0;  ///< of tensors and of what devices make of them
  std::vector<LayerCost> layers;
  std::vector<OtherCost> others;
  cpu::MachinePeak peak;

  /// The last step, for a trace.
  std::vector<Profile::Lap> laps;
  std::vector<Profile::LayerPart> parts;

  double of_peak(const LayerCost& cost) const;

  /// Tables on standard output.
  void print() const;
  Json to_json() const;
  std::string to_csv() const;
  /// Rows for the phases of the step, its operations and its layers, and the memory in use.
  std::string to_trace() const;
};

/// `warmup` steps that do not count, then `repeat` that do.
StepProfile profile_steps(const train::Recipe& recipe, const Shape& input, std::int64_t classes, int repeat,
                          int warmup);

}  // namespace satsuma::tools

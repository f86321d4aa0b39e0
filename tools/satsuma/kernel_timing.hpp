#pragma once

#include <string>
#include <vector>

#include "satsuma/device/device.hpp"
#include "satsuma/sparse/method.hpp"
#include "tools/satsuma/kernel_layers.hpp"

namespace satsuma::tools {

/// Our kernel under one pattern: the dense one where the method leaves the pass dense.
struct SparseTiming {
  Pattern pattern;
  bool pruned = false;
  std::vector<double> seconds;
};

/// A pass of a layer. Seconds are those of each turn.
struct KernelTiming {
  const KernelLayer* layer = nullptr;
  Pass pass = Pass::ff;
  std::vector<double> peer;   ///< the best of its implementations
  std::vector<double> dense;  ///< our dense kernel
  std::vector<SparseTiming> sparse;
  std::string peer_description;

  /// Counted as if dense.
  double gflops(const std::vector<double>& seconds, std::int64_t batch) const;
  /// How many times as fast as the peer.
  double ratio(const SparseTiming& ours) const;
};

/// What is measured of every layer, and how often.
struct KernelRace {
  MethodText method;
  std::vector<Pattern> patterns;
  std::int64_t batch_size = 64;
  int repeat = 0;
  int warmup = 0;
};

/// The passes of `layer` that a training step has: by the peer's implementations, by `device` dense and under
/// each pattern, in turns. `layer` outlives the result. Throws DeviceError where the device refuses.
std::vector<KernelTiming> time_layer(const KernelRace& race, Device& device, const KernelLayer& layer);

/// Geometric mean of the ratios of a pass over all layers under the pattern of that number, each as often as
/// the model has it; 0 where there are none.
double mean_ratio(const std::vector<KernelTiming>& timings, Pass pass, std::size_t number);

}  // namespace satsuma::tools

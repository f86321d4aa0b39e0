#pragma once

#include <string>
#include <vector>

#include "src/core/json_fwd.hpp"
#include "src/cpu/machine_peak.hpp"
#include "tools/satsuma/bench_settings.hpp"
#include "tools/satsuma/kernel_plot.hpp"
#include "tools/satsuma/kernel_timing.hpp"

namespace satsuma::tools {

/// What `bench kernels` has measured.
struct KernelReport {
  BenchSettings bench;
  std::string method;
  std::string device;
  std::vector<Pattern> patterns;
  std::vector<KernelTiming> timings;
  cpu::MachinePeak peak;

  Json to_json() const;
  /// A line for each pass of a layer, then the geometric means.
  void print() const;
  /// What the picture needs to know.
  KernelPlot plot() const;

 private:
  /// What a pass really executes, as a share of what the machine can: products with what is pruned or lies on
  /// padding are not counted.
  double of_peak(const KernelTiming& result, const SparseTiming& sparse) const;
  double own_dense_of_peak(const KernelTiming& result) const;
};

}  // namespace satsuma::tools

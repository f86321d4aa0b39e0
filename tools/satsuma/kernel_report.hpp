#pragma once

#include <string>
#include <vector>

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

  Json to_json() const;
  /// A line for each pass of a layer, then the geometric means.
  void print() const;
  /// What the picture needs to know.
  KernelPlot plot() const;
};

}  // namespace satsuma::tools

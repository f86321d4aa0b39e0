#pragma once

#include <string>
#include <vector>

#include "satsuma/device/device.hpp"
#include "src/cpu/machine_peak.hpp"

namespace satsuma::tools {

/// What `bench kernels --plot` draws.
struct KernelPlot {
  /// Geometric means over the layers, ours over oneDNN dense.
  struct Speed {
    Pattern pattern;
    double ff = 0;
    double bp = 0;
  };
  /// A pass of a layer: operations on kept weights and no padding, per byte of its operands and per second.
  struct Dot {
    std::string name;
    Pass pass = Pass::ff;
    bool sparse = false;
    double flops_a_byte = 0;
    double gflops = 0;
  };

  std::string title;
  std::vector<Speed> curve;
  std::vector<Dot> roofline;
  cpu::MachinePeak peak;
};

/// Writes the picture to `path`. Throws IoError.
void write_plot(const KernelPlot& plot, const std::string& path);

}  // namespace satsuma::tools

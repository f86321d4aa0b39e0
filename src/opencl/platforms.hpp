#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace satsuma::opencl {

/// What an OpenCL device says about itself.
struct DeviceInfo {
  std::string platform;
  std::string name;
  std::string version;  ///< `OpenCL 1.2 ...`
  std::string driver;
  std::string kind;                  ///< CPU, GPU, accelerator, other
  std::uint64_t memory = 0;          ///< bytes
  std::uint64_t largest_buffer = 0;  ///< bytes of one allocation
  std::uint64_t local_memory = 0;    ///< bytes
  std::size_t work_group = 0;        ///< most work-items
  std::uint32_t compute_units = 0;
  bool available = false;
  bool compiler = false;   ///< builds programs from source
  bool halves = false;     ///< cl_khr_fp16; without it kernels load and store halves only
  bool doubles = false;    ///< FP64
  bool denormals = false;  ///< FP32 numbers below 2^-126 keep their bits

  /// `platform 'Portable Computing Language', device 'pthread-...'`, for messages.
  std::string who() const;
  /// What it can do, in short: `compiler, fp16, fp64, denormals, work-groups of 4096`.
  std::string capabilities() const;
};

struct PlatformInfo {
  std::string name;
  std::string version;
  std::string warning;  ///< what is known to go wrong with it, and what to do; empty for nothing
  std::vector<DeviceInfo> devices;
};

/// The platforms of this machine, in one line why there is none, and in one line each which drivers have been
/// left out and why.
struct Platforms {
  std::vector<PlatformInfo> all;
  std::string problem;
  std::vector<std::string> left_out = {};
};
/// Opens OpenCL's drivers, in a child process first: one that ends the program or hangs is left out.
Platforms list_platforms();

/// The platforms of the drivers that the loader opens in this very process; `opening` gets the name of each
/// before its devices are asked for.
std::vector<PlatformInfo> read_platforms(const std::function<void(const std::string&)>& opening);

/// What is known to go wrong with the platform of this name as this process is set up; see docs/opencl.md.
std::string known_fault(const std::string& platform);

}  // namespace satsuma::opencl

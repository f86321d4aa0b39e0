#pragma once

#include <cstddef>
#include <cstdint>
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
  std::vector<DeviceInfo> devices;
};

/// The platforms of this machine, and in one line why there is none.
struct Platforms {
  std::vector<PlatformInfo> all;
  std::string problem;
};
Platforms list_platforms();

}  // namespace satsuma::opencl

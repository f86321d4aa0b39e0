#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "satsuma/sat/config.hpp"
#include "src/devices/sat/transport.hpp"

namespace satsuma::sat::driver {

/// SAT on an OpenCL device, as far as a caller tells. Without OpenCL in this build what needs
/// it throws DeviceError that says so.
struct OpenClSettings {
  std::filesystem::path bitstream = {};
  std::string platform = {};  ///< part of its name; empty is that of the bitstream
  int index = 0;              ///< of the device among those of the platform
};

/// Loads a bitstream. Throws IoError, FormatError or DeviceError, in one line naming file, platform and
/// device.
std::shared_ptr<Transport> connect_opencl(const OpenClSettings& settings);

/// What a bitstream is to be built of.
struct BitstreamSettings {
  std::string platform;  ///< part of its name; empty is any
  int index = 0;
  Config config;
  int largest_group = 64;        ///< M of the patterns that it takes
  std::filesystem::path binary;  ///< of the card's own tools, to be wrapped; empty compiles the kernels
};

/// A bitstream's file, and whom it is for.
struct BuiltBitstream {
  std::vector<std::byte> file;
  std::string who;
};
/// Throws UsageError when the device cannot hold such an array, DeviceError when the kernels do not build.
BuiltBitstream build_bitstream(const BitstreamSettings& settings);

/// The kernels' source as a card's own tools take it, with the configuration as defines.
std::string kernel_source(const Config& config, int largest_group);

}  // namespace satsuma::sat::driver

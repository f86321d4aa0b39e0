#include "src/devices/sat/opencl/opencl.hpp"

#include <fmt/core.h>

#include <string>
#include <system_error>

#include "satsuma/core/error.hpp"
#include "src/core/cannot_read.hpp"
#include "src/core/whole_file.hpp"
#include "src/devices/sat/opencl/bitstream.hpp"
#include "src/devices/sat/opencl/interface.hpp"
#include "src/devices/sat/opencl/transport.hpp"
#include "src/opencl/session.hpp"

namespace satsuma::sat::driver {

namespace {

/// Throws UsageError when the device has no room for the array.
void check_array(const opencl::DeviceInfo& info, const BitstreamSettings& settings) {
  const Config& config = settings.config;
  if (settings.largest_group < 1 || settings.largest_group > 64) {
    throw UsageError(
        fmt::format("sat build got --largest-group {}, expected 1 to 64", settings.largest_group));
  }
  const auto work_items = static_cast<std::size_t>(config.rows * config.columns);
  if (work_items > info.work_group) {
    throw UsageError(
        fmt::format("{} has work-groups of {}, an array of {} x {} USPEs needs {}; try --set array.rows={}",
                    info.who(), info.work_group, config.rows, config.columns, work_items,
                    std::max<std::size_t>(1, info.work_group / static_cast<std::size_t>(config.columns))));
  }
  // A square of FP32 for each row: pixels turned for WU.
  const auto local = static_cast<std::size_t>(config.rows) * 16 * 16 * sizeof(float);
  if (local > info.local_memory) {
    throw UsageError(
        fmt::format("{} has {} KiB of local memory, an array of {} rows needs {}; try --set array.rows={}",
                    info.who(), info.local_memory >> 10, config.rows, local >> 10,
                    std::max<std::size_t>(1, info.local_memory >> 10)));
  }
}

std::vector<std::byte> read_binary(const std::filesystem::path& path) {
  std::error_code failure;
  const std::string bytes = read_whole_file(path, failure);
  if (bytes.empty()) throw cannot_read(path, failure ? failure.message() : "it is empty");
  const auto data = std::as_bytes(std::span(bytes));
  return {data.begin(), data.end()};
}

}  // namespace

std::shared_ptr<Transport> connect_opencl(const OpenClSettings& settings) {
  const Bitstream bitstream = read_bitstream(settings.bitstream);
  const std::string file = settings.bitstream.string();
  const std::string built_for =
      fmt::format("{} was built for platform '{}', device '{}'", file, bitstream.platform, bitstream.device);
  try {
    const opencl::ChosenDevice device = opencl::choose_device(
        {settings.platform.empty() ? bitstream.platform : settings.platform, settings.index});
    if (device.info.platform != bitstream.platform || device.info.name != bitstream.device) {
      throw DeviceError(
          fmt::format("not for {}; build one for it with satsuma sat build", device.info.who()));
    }
    return std::make_shared<OpenClTransport>(device, bitstream);
  } catch (const DeviceError& error) {
    throw DeviceError(fmt::format("{}: {}", built_for, error.what()));
  }
}

BuiltBitstream build_bitstream(const BitstreamSettings& settings) {
  const opencl::ChosenDevice device = opencl::choose_device({settings.platform, settings.index});
  check_array(device.info, settings);
  Bitstream bitstream{kernel::kInterfaceVersion, static_cast<std::uint32_t>(settings.largest_group),
                      device.info.platform,      device.info.name,
                      settings.config,           {}};
  if (settings.binary.empty()) {
    const opencl::Session session(device);
    const std::string options = device.info.denormals ? "" : "-DINTEGER_HALVES";
    bitstream.binary =
        session.binary_of(session.build(kernel_source(settings.config, settings.largest_group), options));
  } else {
    bitstream.binary = read_binary(settings.binary);
  }
  // Whoever loads it meets what would be wrong with it now.
  try {
    const OpenClTransport check(device, bitstream, std::uint64_t{1} << 20);
  } catch (const DeviceError& error) {
    if (settings.binary.empty()) throw;
    throw DeviceError(fmt::format("{}: {}; build it for this device from satsuma sat build --source",
                                  settings.binary.string(), error.what()));
  }
  return {to_bytes(bitstream), device.info.who()};
}

}  // namespace satsuma::sat::driver

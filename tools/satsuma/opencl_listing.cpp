#include "tools/satsuma/opencl_listing.hpp"

#include <fmt/core.h>

#include "src/core/json.hpp"
#include "src/opencl/platforms.hpp"
#include "tools/satsuma/short_text.hpp"
#include "tools/satsuma/table.hpp"

namespace satsuma::tools {

namespace {

Json to_json(const opencl::DeviceInfo& info, std::size_t index) {
  return {{"index", index},
          {"name", info.name},
          {"kind", info.kind},
          {"version", info.version},
          {"driver", info.driver},
          {"available", info.available},
          {"memory", info.memory},
          {"largest_buffer", info.largest_buffer},
          {"local_memory", info.local_memory},
          {"compute_units", info.compute_units},
          {"work_group", info.work_group},
          {"compiler", info.compiler},
          {"fp16", info.halves},
          {"fp64", info.doubles},
          {"denormals", info.denormals}};
}

}  // namespace

Json opencl_json() {
  const opencl::Platforms platforms = opencl::list_platforms();
  Json all = Json::array();
  for (const opencl::PlatformInfo& platform : platforms.all) {
    Json devices = Json::array();
    for (const opencl::DeviceInfo& info : platform.devices) devices.push_back(to_json(info, devices.size()));
    all.push_back({{"name", platform.name},
                   {"version", platform.version},
                   {"warning", platform.warning},
                   {"devices", devices}});
  }
  return {{"platforms", all}, {"reason", platforms.problem}, {"left_out", platforms.left_out}};
}

void print_opencl() {
  const opencl::Platforms platforms = opencl::list_platforms();
  fmt::print("\n");
  // Where there is no platform, the reason has the first of them.
  for (std::size_t i = platforms.problem.empty() ? 0 : 1; i < platforms.left_out.size(); ++i)
    fmt::print("{}\n", platforms.left_out[i]);
  if (!platforms.problem.empty()) return fmt::print("OpenCL: {}\n", platforms.problem);
  using Align = Table::Align;
  Table table({"OpenCL platform", "index", "device", "kind", "driver", "memory", "capabilities"},
              {Align::left, Align::right, Align::left, Align::left, Align::left, Align::right, Align::left});
  for (const opencl::PlatformInfo& platform : platforms.all) {
    if (platform.devices.empty()) table.add({platform.name, "-", "no device", "-", "-", "-", "-"});
    for (std::size_t i = 0; i < platform.devices.size(); ++i) {
      const opencl::DeviceInfo& info = platform.devices[i];
      table.add({platform.name, fmt::format("{}", i), info.name, info.kind, info.driver,
                 short_bytes(info.memory), info.available ? info.capabilities() : "not available"});
    }
  }
  table.print();
  for (const opencl::PlatformInfo& platform : platforms.all) {
    if (!platform.warning.empty())
      fmt::print("warning: platform '{}': {}\n", platform.name, platform.warning);
  }
}

}  // namespace satsuma::tools

// What `--device sat`, `sat:config=FILE,schedule=FILE` and `sat:opencl,...` mean.

#include <fmt/core.h>

#include <memory>
#include <optional>

#include "satsuma/core/error.hpp"
#include "src/core/message.hpp"
#include "src/device/settings.hpp"
#include "src/devices/sat/device.hpp"
#include "src/devices/sat/emulator/emulator.hpp"
#include "src/devices/sat/opencl/opencl.hpp"

namespace satsuma {

namespace {

using sat::driver::Transport;

constexpr std::string_view kDevice = "sat:opencl";

std::shared_ptr<Transport> make_emulator() {
  return std::make_shared<sat::driver::Emulator>();
}

std::shared_ptr<Device> configure_emulator(std::string_view text) {
  auto settings = parse_device_settings("sat", text, {"config", "schedule"});
  sat::Config config;
  if (const auto file = settings.find("config"); file != settings.end())
    config = sat::read_config(file->second);
  std::optional<sat::Schedule> schedule;
  if (const auto file = settings.find("schedule"); file != settings.end())
    schedule = sat::read_schedule(file->second);
  return make_device(std::make_shared<sat::driver::Emulator>(sat::driver::kCardMemory, config), "sat", {},
                     std::move(schedule));
}

std::shared_ptr<Device> configure_opencl(std::string_view text) {
  auto settings = parse_device_settings(kDevice, text, {"bitstream", "platform", "index", "fallback"});
  const std::string fallback = settings["fallback"];
  if (!fallback.empty() && fallback != "emulator")
    throw UsageError(fmt::format("device '{}' got fallback={}, expected emulator", kDevice, fallback));
  sat::driver::OpenClSettings opencl{settings["bitstream"], settings["platform"]};
  if (opencl.bitstream.empty()) {
    throw UsageError(
        fmt::format("device '{}' needs bitstream=FILE; satsuma sat build -o FILE makes one", kDevice));
  }
  if (const auto index = settings.find("index"); index != settings.end())
    opencl.index = parse_device_index(kDevice, "index", index->second);
  if (fallback.empty()) return make_device(connect_opencl(opencl), kDevice);
  try {
    return make_device(connect_opencl(opencl), kDevice, &make_emulator);
  } catch (const Error& error) {
    say("device '{}' is not available, going on with the emulator: {}", kDevice, error.what());
    return make_device(make_emulator());
  }
}

}  // namespace

std::shared_ptr<Device> create_sat_device() {
  return sat::driver::make_device(make_emulator());
}

std::shared_ptr<Device> configure_sat_device(std::string_view settings) {
  const std::size_t comma = settings.find(',');
  const std::string_view first = settings.substr(0, comma);
  if (first.starts_with("config=") || first.starts_with("schedule=")) return configure_emulator(settings);
  if (first != "opencl") {
    throw UsageError(
        fmt::format("device 'sat' got '{}', expected sat (the emulator), sat:config=FILE[,schedule=FILE], or "
                    "sat:opencl,bitstream=FILE[,platform=NAME][,index=N][,fallback=emulator]",
                    settings));
  }
  return configure_opencl(comma == std::string_view::npos ? "" : settings.substr(comma + 1));
}

}  // namespace satsuma

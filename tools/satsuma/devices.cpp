#include "tools/satsuma/devices.hpp"

#include <fmt/format.h>

#include <memory>

#include "satsuma/device/registry.hpp"
#include "tools/satsuma/output.hpp"

namespace satsuma::tools {

namespace {

struct Settings {
  std::string name;
  bool json = false;
};

struct Request {
  std::string_view what;
  PassRequest request;
};

/// Questions whose answers tell devices apart: the three passes, dense and sparse, of an ordinary
/// convolution with the device's own operands.
std::vector<Request> typical_requests(DType operands) {
  const Geometry geometry{.in_channels = 64, .out_channels = 64, .kernel = {3, 3}, .padding = {1, 1}};
  const Pattern dense;
  const Pattern sparse{2, 8};
  return {{"FF dense", {Pass::ff, geometry, dense, dense, DType::f32, operands}},
          {"FF 2:8", {Pass::ff, geometry, sparse, dense, DType::f32, operands}},
          {"BP dense", {Pass::bp, geometry, dense, dense, DType::f32, operands}},
          {"BP 2:8", {Pass::bp, geometry, sparse, dense, DType::f32, operands}},
          {"BP dY 2:8", {Pass::bp, geometry, dense, sparse, DType::f32, operands}},
          {"WU dense", {Pass::wu, geometry, dense, dense, DType::f32, operands}}};
}

Json to_json(const DeviceEntry& entry) {
  Device& device = *find_device(entry.name);
  Json supports = Json::array();
  for (const auto& [what, request] : typical_requests(device.default_operands())) {
    const Support answer = device.supports(request);
    supports.push_back({{"request", what}, {"yes", answer.yes}, {"reason", answer.reason}});
  }
  return {{"name", entry.name},
          {"summary", entry.summary},
          {"description", device.description()},
          {"supports", supports}};
}

void print(const DeviceEntry& entry) {
  Device& device = *find_device(entry.name);
  fmt::print("{}: {}\n  {}\n\n", entry.name, entry.summary, device.description());
  Table table({"3x3, 64 to 64 channels", "", "reason"},
              {Table::Align::left, Table::Align::left, Table::Align::left});
  for (const auto& [what, request] : typical_requests(device.default_operands())) {
    const Support answer = device.supports(request);
    table.add({std::string(what), answer ? "yes" : "no", answer.reason});
  }
  table.print();
}

int list(const Settings& settings) {
  if (!settings.name.empty()) find_device(settings.name);
  Json all = Json::array();
  Table table({"device", "description"}, {Table::Align::left, Table::Align::left});
  for (const DeviceEntry& entry : device_entries()) {
    if (entry.name == settings.name) {
      settings.json ? print_json(to_json(entry)) : print(entry);
      return 0;
    }
    if (settings.json) all.push_back(to_json(entry));
    table.add({std::string(entry.name), find_device(entry.name)->description()});
  }
  settings.json ? print_json({{"devices", all}}) : table.print();
  return 0;
}

}  // namespace

CLI::App* add_devices(CLI::App& app, std::function<int()>& run) {
  const auto settings = std::make_shared<Settings>();
  CLI::App* const command =
      app.add_subcommand("devices", "List who can run layers, or show what one supports");
  command->add_option("NAME", settings->name, "show this device only");
  command->add_flag("--json", settings->json, "one JSON object on standard output");
  command->footer("Example: satsuma devices cpu");
  command->callback([settings, &run] { run = [settings] { return list(*settings); }; });
  return command;
}

}  // namespace satsuma::tools

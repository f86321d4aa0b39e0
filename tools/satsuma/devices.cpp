#include "tools/satsuma/devices.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/device/plugins.hpp"
#include "satsuma/device/registry.hpp"
#include "satsuma/distributed/communicator.hpp"
#include "src/core/json.hpp"
#include "tools/satsuma/devices_test.hpp"
#include "tools/satsuma/json_output.hpp"
#include "tools/satsuma/opencl_listing.hpp"
#include "tools/satsuma/plugin_flags.hpp"
#include "tools/satsuma/table.hpp"

namespace satsuma::tools {

namespace {

struct Settings {
  std::string name;
  PluginFlags plugins;
  bool json = false;
};

struct Request {
  std::string_view what;
  LayerPlan plan;
  Pass pass;
};

/// Questions whose answers tell devices apart: the three passes, dense and sparse, of an ordinary
/// convolution with the device's own operands.
std::vector<Request> typical_requests(DType operands) {
  const Geometry geometry{.in_channels = 64, .out_channels = 64, .kernel = {3, 3}, .padding = {1, 1}};
  const Pattern pattern{2, 8};
  const LayerPlan dense(geometry, operands);
  LayerPlan packed = dense, pruned = dense;
  packed[Pass::ff].weight = OperandPlan::packed(GroupAxis::input_channels, pattern);
  packed[Pass::bp].weight = OperandPlan::packed(GroupAxis::output_channels, pattern);
  pruned[Pass::bp].gradient = OperandPlan::pruned(pattern);
  pruned[Pass::wu].gradient = OperandPlan::sampled(pattern);
  return {{"FF dense", dense, Pass::ff},  {"FF 2:8", packed, Pass::ff},    {"BP dense", dense, Pass::bp},
          {"BP 2:8", packed, Pass::bp},   {"BP dY 2:8", pruned, Pass::bp}, {"WU dense", dense, Pass::wu},
          {"WU dY 2:8", pruned, Pass::wu}};
}

/// A device of this build or of a plug-in, or a plug-in that gives none.
struct Listed {
  std::string name = {};
  std::string kind = {};
  std::string version = {};
  std::string file = {};  ///< of a plug-in
  std::string summary = {};
  std::shared_ptr<Device> device = {};  ///< null where it is not available
  std::string problem = {};             ///< why not
};

/// Makes the device; what goes wrong then is why it is not available.
Listed set_up(Listed listed) {
  try {
    listed.device = find_device(listed.name);
  } catch (const Error& error) {
    listed.problem = error.what();
  }
  return listed;
}

std::vector<Listed> all_devices() {
  std::vector<Listed> all;
  for (const DeviceEntry& entry : device_entries()) {
    all.push_back(set_up({.name = std::string(entry.name),
                          .kind = "built-in",
                          .version = SATSUMA_VERSION,
                          .summary = std::string(entry.summary)}));
  }
  for (const Plugin& plugin : plugins()) {
    Listed listed{
        .name = plugin.name, .kind = "plug-in", .version = plugin.version, .file = plugin.file.string()};
    listed.problem = plugin.problem;
    listed.summary = fmt::format("plug-in {} from {}", plugin.version, listed.file);
    all.push_back(plugin.problem.empty() ? set_up(std::move(listed)) : std::move(listed));
  }
  return all;
}

/// Passes, pruned passes and types in short: `FF BP WU, N:M in FF BP WU, f32 bf16`.
std::string capabilities(const Device& device) {
  std::string passes, pruned, types;
  const auto add = [](std::string& list, std::string_view word) {
    if (list.find(word) == std::string::npos) list += fmt::format(" {}", word);
  };
  for (const Request& request : typical_requests(device.default_operands())) {
    if (!device.supports(request.plan, request.pass)) continue;
    add(request.plan[request.pass].skips() ? pruned : passes, to_string(request.pass));
  }
  for (const DType type : {DType::f32, DType::bf16, DType::f16, DType::f64}) {
    LayerPlan plan = typical_requests(DType::f32).front().plan;
    (type == DType::f64 ? plan.dtype : plan.operands) = type;
    if (device.supports(plan, Pass::ff)) types += fmt::format(" {}", to_string(type));
  }
  return fmt::format("{}{}{},{}", passes.empty() ? "no pass" : passes.substr(1),
                     pruned.empty() ? "" : ", N:M in", pruned, types.empty() ? " no type" : types);
}

Json to_json(const Listed& listed) {
  Json supports = Json::array();
  const DType operands = listed.device ? listed.device->default_operands() : DType::f32;
  for (const auto& [what, plan, pass] : typical_requests(operands)) {
    if (!listed.device) break;
    const Support answer = listed.device->supports(plan, pass);
    supports.push_back({{"request", what}, {"yes", answer.yes}, {"reason", answer.reason}});
  }
  return {{"name", listed.name},
          {"kind", listed.kind},
          {"version", listed.version},
          {"file", listed.file},
          {"available", listed.device != nullptr},
          {"reason", listed.problem},
          {"summary", listed.summary},
          {"description", listed.device ? listed.device->description() : ""},
          {"capabilities", listed.device ? capabilities(*listed.device) : ""},
          {"supports", supports}};
}

void print(const Listed& listed) {
  fmt::print("{}: {}\n", listed.name, listed.summary);
  if (!listed.device) return fmt::print("  not available: {}\n", listed.problem);
  fmt::print("  {}\n\n", listed.device->description());
  Table table({"3x3, 64 to 64 channels", "", "reason"},
              {Table::Align::left, Table::Align::left, Table::Align::left});
  for (const auto& [what, plan, pass] : typical_requests(listed.device->default_operands())) {
    const Support answer = listed.device->supports(plan, pass);
    table.add({std::string(what), answer ? "yes" : "no", answer.reason});
  }
  table.print();
}

/// Who would train: this process, or those that a launcher has started beside it.
void print_ranks() {
  const std::string library = distributed::mpi_library();
  const distributed::Launch launch = distributed::launch_of_process();
  const std::string who = launch.by.empty() ? "one process; mpirun -np N starts N ranks that train together"
                                            : fmt::format("rank {} of {} that {} has started", launch.rank,
                                                          launch.size, launch.by);
  fmt::print("\nMPI: {}\n", library.empty() ? "not in this build" : fmt::format("{}; {}", library, who));
}

void print(const std::vector<Listed>& all) {
  using Align = Table::Align;
  Table table({"device", "kind", "version", "runs", "description"},
              {Align::left, Align::left, Align::left, Align::left, Align::left});
  for (const Listed& listed : all) {
    table.add({listed.name.empty() ? "-" : listed.name, listed.kind,
               listed.version.empty() ? "-" : listed.version,
               listed.device ? capabilities(*listed.device) : "not available",
               listed.device ? listed.device->description() : listed.problem});
  }
  table.print();
  print_opencl();
  print_ranks();
}

Json ranks_json() {
  const distributed::Launch launch = distributed::launch_of_process();
  return {{"library", distributed::mpi_library()}, {"rank", launch.rank}, {"ranks", launch.size}};
}

int list(const Settings& settings) {
  settings.plugins.try_load();
  const std::vector<Listed> all = all_devices();
  if (settings.name.empty()) {
    Json devices = Json::array();
    for (const Listed& listed : all) devices.push_back(to_json(listed));
    settings.json ? print_json({{"devices", devices}, {"opencl", opencl_json()}, {"mpi", ranks_json()}})
                  : print(all);
    return 0;
  }
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const Listed& listed) { return listed.name == settings.name; });
  // With settings, or two to be compared; throws what is known where it is none.
  const Listed listed = found != all.end() ? *found
                                           : Listed{.name = settings.name,
                                                    .kind = "built-in",
                                                    .version = SATSUMA_VERSION,
                                                    .summary = "with settings",
                                                    .device = find_device(settings.name)};
  settings.json ? print_json(to_json(listed)) : print(listed);
  return 0;
}

}  // namespace

void add_devices(const Command& program) {
  const auto settings = std::make_shared<Settings>();
  const Command command = program.add_command(
      "devices", "List who can run layers, OpenCL's platforms too, or show what one supports");
  command.add_option("NAME", settings->name, "show this device only");
  settings->plugins.add_to(command);
  command.add_flag("--json", settings->json, "one JSON object on standard output");
  command.footer("Example: satsuma devices cpu");
  add_devices_test(command);
  command.run([settings] { return list(*settings); });
}

}  // namespace satsuma::tools

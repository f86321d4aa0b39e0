#include "tools/satsuma/check_report.hpp"

#include <fmt/core.h>

#include <set>

#include "satsuma/core/error.hpp"
#include "satsuma/device/check_device.hpp"
#include "satsuma/device/registry.hpp"
#include "src/core/message.hpp"

namespace satsuma::tools {

void report_checks(const std::string& device) {
  const auto comparison = comparison_of(*find_device(device));
  if (!comparison) return;
  if (comparison->calls == 0) {
    throw DeviceError(
        fmt::format("device '{}' has compared nothing: no pass of any layer ran on it; what it refuses is "
                    "named by `satsuma devices`",
                    device));
  }
  say("{}: {} passes of {} layers compared in {} calls, no difference", device, comparison->passes,
      comparison->layers, comparison->calls);
}

void report_checks(const train::Recipe& recipe) {
  const train::LayerOptions options = recipe.layer_options();
  std::set<std::string> names = {options.device};
  for (const train::Placement& placement : options.placements) names.insert(placement.device);
  for (const std::string& name : names) report_checks(name);
}

}  // namespace satsuma::tools

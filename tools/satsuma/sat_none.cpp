// Stands for `satsuma sat` where the device `sat` is not built.

#include "tools/satsuma/sat.hpp"

#include <CLI/CLI.hpp>

namespace satsuma::tools {

CLI::App* add_sat(CLI::App& /*app*/, std::function<int()>& /*run*/) {
  return nullptr;
}

}  // namespace satsuma::tools

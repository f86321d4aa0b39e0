#include "tools/satsuma/sat.hpp"

#include <CLI/CLI.hpp>

#include "tools/satsuma/sat_build.hpp"

namespace satsuma::tools {

CLI::App* add_sat(CLI::App& app, std::function<int()>& run) {
  CLI::App* const sat = app.add_subcommand("sat", "Build the SAT accelerator for an OpenCL device");
  sat->require_subcommand(1);
  sat->footer("Example: satsuma sat build -o sat.bin");
  add_sat_build(*sat, run);
  return sat;
}

}  // namespace satsuma::tools

#include "tools/satsuma/data.hpp"

#include <CLI/CLI.hpp>

#include "tools/satsuma/data_check.hpp"
#include "tools/satsuma/data_pack.hpp"

namespace satsuma::tools {

CLI::App* add_data(CLI::App& app, std::function<int()>& run) {
  CLI::App* const command =
      app.add_subcommand("data", "Look through a folder of pictures, or pack it into one file");
  command->require_subcommand(1);
  command->footer("Example: satsuma data check pictures");
  add_data_check(*command, run);
  add_data_pack(*command, run);
  return command;
}

}  // namespace satsuma::tools

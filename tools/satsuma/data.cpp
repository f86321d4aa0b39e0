#include "tools/satsuma/data.hpp"

#include "tools/satsuma/data_check.hpp"
#include "tools/satsuma/data_pack.hpp"

namespace satsuma::tools {

void add_data(const Command& program) {
  const Command command =
      program.add_command("data", "Look through a folder of pictures, or pack it into one file");
  command.require_command();
  command.footer("Example: satsuma data check pictures");
  add_data_check(command);
  add_data_pack(command);
}

}  // namespace satsuma::tools

#include "tools/satsuma/sat.hpp"

#include "tools/satsuma/sat_build.hpp"

namespace satsuma::tools {

void add_sat(const Command& program) {
  const Command sat = program.add_command("sat", "Build the SAT accelerator for an OpenCL device");
  sat.require_command();
  sat.footer("Example: satsuma sat build -o sat.bin");
  add_sat_build(sat);
}

}  // namespace satsuma::tools

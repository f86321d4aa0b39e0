// Stands for `satsuma sat` where the device `sat` is not built.

#include "tools/satsuma/sat.hpp"

namespace satsuma::tools {

void add_sat(const Command& /*program*/) {}

}  // namespace satsuma::tools

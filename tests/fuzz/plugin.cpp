// Plug-ins: the shared object's file, and the table that its entry returns, of which the input says the
// numbers and which functions there are.

#include "satsuma/plugin.h"

#include <algorithm>
#include <cstring>

#include "fuzz.hpp"
#include "memory_file.hpp"
#include "satsuma/core/error.hpp"
#include "src/plugins/elf_file.hpp"
#include "src/plugins/table.hpp"

using namespace satsuma;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const MemoryFile file({bytes, size});
  try {
    plugin_host::check_shared_object(file.path());
  } catch (const UsageError&) {
    // What it is there for.
  }
  satsuma_plugin table{};
  std::memcpy(&table, bytes, std::min(size, sizeof table));
  // A name of the input's, with an end.
  char name[64] = {};
  if (size > sizeof table)
    std::memcpy(name, bytes + sizeof table, std::min(size - sizeof table, sizeof name - 1));
  if (table.name != nullptr) table.name = name;
  if (table.version != nullptr) table.version = name;
  // As it comes, and of this version, so that what is behind that is reached.
  for (const bool mended : {false, true}) {
    if (mended) {
      table.interface_version = SATSUMA_PLUGIN_INTERFACE;
      table.sizes = SATSUMA_PLUGIN_SIZES;
    }
    try {
      plugin_host::checked_table(&table, "fuzz");
    } catch (const UsageError&) {
      // What it is there for.
    }
  }
  return 0;
}

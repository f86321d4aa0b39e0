// What the timing model of SAT reads: configuration, schedule, and topology. The first byte says which.

#include "fuzz.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/sat/config.hpp"
#include "satsuma/sat/schedule.hpp"
#include "satsuma/sat/workload.hpp"

#include <cstdlib>

using namespace satsuma;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  try {
    switch (bytes[0] % 3) {
      case 0: {
        const std::string written = sat::to_toml(sat::parse_config(text, "fuzz"));
        if (sat::to_toml(sat::parse_config(written, "fuzz")) != written) std::abort();
        break;
      }
      case 1: {
        const sat::Schedule schedule = sat::parse_schedule(text, "fuzz");
        if (!(sat::parse_schedule(sat::to_toml(schedule), "fuzz") == schedule)) std::abort();
        break;
      }
      default:
        sat::check(sat::parse_topology(text, "fuzz"));
    }
  } catch (const Error&) {
    // What it is there for.
  }
  return 0;
}

#include "src/devices/sat/range.hpp"

#include <fmt/core.h>

#include "satsuma/core/error.hpp"

namespace satsuma::sat::driver {

void check_range(std::string_view where, std::uint64_t size, Address address, std::uint64_t bytes,
                 std::uint64_t alignment) {
  if (address <= size && bytes <= size - address && address % alignment == 0) return;
  throw DeviceError(
      fmt::format("{} got a command that reaches {} bytes at address {:#x}, expected them inside its {} MiB "
                  "and aligned to {}",
                  where, bytes, address, size >> 20, alignment));
}

}  // namespace satsuma::sat::driver

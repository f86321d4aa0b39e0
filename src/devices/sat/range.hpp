#pragma once

#include <cstdint>
#include <string_view>

#include "src/devices/sat/commands.hpp"

namespace satsuma::sat::driver {

/// Throws DeviceError unless `bytes` at `address` are inside a memory of `size` bytes and aligned. `where` is
/// Transport::where().
void check_range(std::string_view where, std::uint64_t size, Address address, std::uint64_t bytes,
                 std::uint64_t alignment);

}  // namespace satsuma::sat::driver

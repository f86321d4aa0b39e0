#include "src/devices/sat/device_memory.hpp"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/core/rng.hpp"

namespace satsuma::sat::driver {

TEST_CASE("blocks are aligned, never overlap, and all of the memory comes back") {
  constexpr std::uint64_t kBytes = 1 << 16;
  DeviceMemory memory(kBytes);
  std::map<Address, std::uint64_t> blocks;
  Rng rng(1);
  std::int64_t refused = 0;
  for (int i = 0; i < 5000; ++i) {
    if (!blocks.empty() && rng.below(2) == 0) {
      auto block = blocks.begin();
      std::advance(block, static_cast<std::ptrdiff_t>(rng.below(blocks.size())));
      memory.give_back(block->first);
      blocks.erase(block);
      continue;
    }
    const std::uint64_t bytes = rng.below(9000);
    try {
      const Address address = memory.take(bytes);
      CHECK(address % 64 == 0);
      CHECK(address + bytes <= kBytes);
      const auto next = blocks.lower_bound(address);
      if (next != blocks.end()) CHECK(address + bytes <= next->first);
      if (next != blocks.begin()) CHECK(std::prev(next)->first + std::prev(next)->second <= address);
      CHECK(blocks.emplace(address, bytes).second);
    } catch (const DeviceError&) {
      ++refused;
    }
  }
  CHECK(refused > 0);
  CHECK(memory.in_use() > 0);
  for (const auto& [address, bytes] : blocks) memory.give_back(address);
  CHECK(memory.in_use() == 0);
  CHECK(memory.take(kBytes) == 0);
}

TEST_CASE("a request that does not fit says what is there") {
  DeviceMemory memory(3 << 20);
  memory.take(1 << 20);
  for (const std::uint64_t bytes : {std::uint64_t{5} << 20, ~std::uint64_t{0}}) {
    std::string message;
    try {
      memory.take(bytes);
    } catch (const DeviceError& error) {
      message = error.what();
    }
    CHECK(message.find("1 of 3 MiB in use") != std::string::npos);
    CHECK(message.find("--batch-size") != std::string::npos);
  }
  CHECK(memory.take(2 << 20) == 1 << 20);
}

}  // namespace satsuma::sat::driver

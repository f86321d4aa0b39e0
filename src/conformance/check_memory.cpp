#include <fmt/core.h>

#include <cstring>
#include <thread>
#include <vector>

#include "satsuma/core/error.hpp"
#include "src/conformance/checks.hpp"

namespace satsuma::conformance {

namespace {

constexpr std::size_t kSizes[] = {1, 63, 64, 65, 4095, 4097, 1 << 20};

using Block = std::shared_ptr<std::byte>;

std::vector<Block> allocate_all(Device& device) {
  std::vector<Block> blocks;
  for (const std::size_t size : kSizes) blocks.push_back(device.allocate(size));
  return blocks;
}

void check_blocks(Verdict& verdict, Device& device) {
  const std::vector<Block> blocks = allocate_all(device);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (!blocks[i]) return verdict.fail(fmt::format("{} bytes: got null", kSizes[i]));
    const auto address = reinterpret_cast<std::uintptr_t>(blocks[i].get());
    verdict.require(address % 64 == 0, fmt::format("{} bytes: the address is no multiple of 64", kSizes[i]));
    std::memset(blocks[i].get(), static_cast<int>(i + 1), kSizes[i]);
  }
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    for (const std::size_t at : {std::size_t{0}, kSizes[i] - 1}) {
      verdict.require(blocks[i].get()[at] == static_cast<std::byte>(i + 1),
                      fmt::format("{} bytes: overlap with another block", kSizes[i]));
    }
  }
}

/// Loader threads and the optimiser may be the last to hold a tensor.
void check_threads(Verdict& verdict, Device& device) {
  bool good = true;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&device, &good] {
      try {
        for (int i = 0; i < 50; ++i) {
          std::vector<Block> blocks = allocate_all(device);
          std::jthread([&blocks] { blocks.clear(); }).join();
        }
      } catch (const std::exception&) {
        std::atomic_ref(good).store(false);
      }
    });
  }
  threads.clear();
  verdict.require(good, "allocation in several threads at once threw");
}

void check_exhausted(Verdict& verdict, Device& device) {
  constexpr std::size_t kTooMuch = std::size_t{1} << 60;
  bool refused = false;
  try {
    refused = device.allocate(kTooMuch) == nullptr;
    verdict.fail(fmt::format("2^60 bytes: got {}, expected an exception", refused ? "null" : "memory"));
  } catch (const Error& error) {
    verdict.require(std::strlen(error.what()) > 0, "2^60 bytes: the exception says nothing");
  }
  if (!verdict.failed()) check_blocks(verdict, device);
}

}  // namespace

void check_memory(Recorder& recorder, const Subject& subject) {
  Device& device = *subject.device;
  recorder.check("memory/blocks", [&](Verdict& verdict, Rng&) { check_blocks(verdict, device); });
  recorder.check("memory/threads", [&](Verdict& verdict, Rng&) { check_threads(verdict, device); });
  recorder.check("memory/exhausted", [&](Verdict& verdict, Rng&) { check_exhausted(verdict, device); });
}

}  // namespace satsuma::conformance

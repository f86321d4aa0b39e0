#include "satsuma/core/allocator.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/core/tensor.hpp"

namespace satsuma::testing {

TEST_CASE("blocks are aligned and their use is counted") {
  const std::size_t before = memory_use().in_use;
  {
    std::vector<std::shared_ptr<std::byte>> blocks;
    for (const std::size_t bytes : {1u, 63u, 64u, 4097u, 1000000u, 3000000u}) {
      blocks.push_back(allocate_host(bytes));
      CHECK(reinterpret_cast<std::uintptr_t>(blocks.back().get()) % 64 == 0);
      std::memset(blocks.back().get(), 0x5a, bytes);
    }
    CHECK(memory_use().in_use >= before + 4000000);
  }
  CHECK(memory_use().in_use == before);
  CHECK(allocate_host(0) != nullptr);
}

TEST_CASE("a large block takes little more than what was asked for") {
  release_cached_memory();
  for (const std::size_t bytes : {std::size_t{2200000}, std::size_t{4300000}, std::size_t{8600000}}) {
    const std::size_t before = memory_use().in_use;
    const auto block = allocate_host(bytes);
    CHECK(memory_use().in_use - before < bytes + bytes / 8);
  }
}

TEST_CASE("more than the machine has is refused before it is taken") {
  // 2^40 elements: the kernel alone would promise it, a page at a time.
  for (const Shape& shape : {Shape{std::int64_t{1} << 40}, Shape{std::int64_t{1} << 60}}) {
    std::string message;
    try {
      Tensor::empty(shape);
    } catch (const Error& error) {
      message = error.what();
    }
    CHECK(message.find(" MiB asked, ") != std::string::npos);
    CHECK(message.find("the machine has ") != std::string::npos);
  }
  CHECK_THROWS_AS(Tensor::empty({std::int64_t{1} << 62}), ShapeError);
}

TEST_CASE("a size that was given back is used again") {
  const std::byte* first = nullptr;
  {
    const auto block = allocate_host(777777);
    first = block.get();
  }
  const std::size_t cached = memory_use().cached;
  const auto again = allocate_host(777777);
  CHECK(again.get() == first);
  CHECK(memory_use().cached < cached);
  release_cached_memory();
  CHECK(memory_use().cached == 0);
}

TEST_CASE("a training step's pattern of sizes leaves memory flat") {
  const auto step = [] {
    std::vector<Tensor> saved;
    for (std::int64_t layer = 1; layer <= 20; ++layer) saved.push_back(Tensor::empty({16, 8 * layer, 7, 7}));
  };
  step();
  const MemoryUse first = memory_use();
  for (int i = 0; i < 50; ++i) step();
  CHECK(memory_use().in_use == first.in_use);
  CHECK(memory_use().cached == first.cached);
}

TEST_CASE("the peak is the most that was in use at once") {
  release_cached_memory();
  reset_peak_memory();
  const std::size_t before = memory_use().peak;
  CHECK(before == memory_use().in_use);
  {
    const auto a = allocate_host(std::size_t{8} << 20);
    { const auto b = allocate_host(std::size_t{16} << 20); }
    const auto c = allocate_host(std::size_t{4} << 20);
  }
  CHECK(memory_use().peak == before + (std::size_t{24} << 20));
  reset_peak_memory();
  CHECK(memory_use().peak == before);
}

TEST_CASE("threads may allocate at once") {
  const std::size_t before = memory_use().in_use;
  std::vector<std::thread> workers;
  for (int worker = 0; worker < 4; ++worker) {
    workers.emplace_back([worker] {
      for (std::size_t i = 0; i < 2000; ++i) {
        const std::size_t bytes = 64 + i % 37 * 512;
        const auto block = allocate_host(bytes);
        std::memset(block.get(), worker, bytes);
        if (block.get()[bytes - 1] != static_cast<std::byte>(worker)) std::terminate();
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  CHECK(memory_use().in_use == before);
}

}  // namespace satsuma::testing

#include "src/core/per_thread.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

namespace satsuma {

namespace {

std::atomic<int> alive = 0;

struct Counted {
  Counted() { ++alive; }
  ~Counted() { --alive; }
  int value = 0;
};

}  // namespace

TEST_CASE("each thread has a value of its own, which ends with it") {
  PerThread<Counted> values;
  CHECK(alive == 0);
  values.get().value = 1;
  std::thread([&] {
    CHECK(values.get().value == 0);
    values.get().value = 2;
    CHECK(values.get().value == 2);
    CHECK(alive == 2);
  }).join();
  CHECK(alive == 1);
  CHECK(values.get().value == 1);
}

}  // namespace satsuma

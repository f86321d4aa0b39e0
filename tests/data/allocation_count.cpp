// Counts what operator new hands out, so that tests can say how much a reader allocates at most. Nothing is
// counted under ThreadSanitizer.

#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "support.hpp"
#include "tests/support/thread_sanitizer.hpp"

namespace satsuma::data_tests {

namespace {
std::atomic<std::size_t> live{0};
std::atomic<std::size_t> peak{0};
}  // namespace

std::size_t peak_new_bytes() {
  return peak;
}
std::size_t live_new_bytes() {
  return live;
}
void reset_peak_new_bytes() {
  peak = live.load();
}

static void* counted(std::size_t bytes) {
  void* const block = std::malloc(bytes == 0 ? 1 : bytes);
  if (block == nullptr) throw std::bad_alloc();
  const std::size_t now = live += malloc_usable_size(block);
  std::size_t seen = peak;
  while (now > seen && !peak.compare_exchange_weak(seen, now)) {
  }
  return block;
}

static void uncounted(void* block) {
  if (block != nullptr) live -= malloc_usable_size(block);
  std::free(block);
}

}  // namespace satsuma::data_tests

#if !SATSUMA_THREAD_SANITIZER
void* operator new(std::size_t bytes) {
  return satsuma::data_tests::counted(bytes);
}
void* operator new[](std::size_t bytes) {
  return satsuma::data_tests::counted(bytes);
}
void operator delete(void* block) noexcept {
  satsuma::data_tests::uncounted(block);
}
void operator delete[](void* block) noexcept {
  satsuma::data_tests::uncounted(block);
}
void operator delete(void* block, std::size_t) noexcept {
  satsuma::data_tests::uncounted(block);
}
void operator delete[](void* block, std::size_t) noexcept {
  satsuma::data_tests::uncounted(block);
}
#endif

#include "src/devices/sat/emulator/dram.hpp"

#include <fmt/core.h>
#include <sys/mman.h>

#include "satsuma/core/error.hpp"
#include "src/devices/sat/range.hpp"

namespace satsuma::sat::driver {

Dram::Dram(std::uint64_t bytes) : size_(bytes) {
  // Where a limit on address space forbids a whole card's memory, less of it will do.
  constexpr std::uint64_t kLeast = std::uint64_t{1} << 28;
  for (;;) {
    void* const place =
        ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (place != MAP_FAILED) {
      base_ = static_cast<std::byte*>(place);
      ::madvise(place, size_, MADV_HUGEPAGE);  // where the system has them
      return;
    }
    if (size_ / 2 < kLeast) break;
    size_ /= 2;
  }
  throw DeviceError(fmt::format(
      "device 'sat' got no address space for its memory, tried {} MiB at last; raise the limit (ulimit -v)",
      size_ >> 20));
}

Dram::~Dram() {
  ::munmap(base_, size_);
}

void Dram::check(Address address, std::uint64_t bytes, std::uint64_t alignment) const {
  check_range("device 'sat'", size_, address, bytes, alignment);
}

}  // namespace satsuma::sat::driver

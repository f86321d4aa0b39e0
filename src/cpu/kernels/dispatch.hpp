#pragma once

#include <type_traits>

// Included by the files that are compiled for one instruction set. Everything here has internal linkage, as
// in kernel_body.hpp.

namespace satsuma::cpu {

namespace {

/// Calls `kernel` with `count`, 1 to Most, as a constant: a tile that is not full has a kernel of its own.
template <int Most, typename Kernel>
inline void with_count(int count, const Kernel& kernel) {
  if constexpr (Most > 1) {
    if (count < Most) return with_count<Most - 1>(count, kernel);
  }
  kernel(std::integral_constant<int, Most>());
}

}  // namespace

}  // namespace satsuma::cpu

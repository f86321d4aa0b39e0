#pragma once

#include <chrono>

namespace satsuma::distributed {

/// A call of MPI that takes longer has carried a piece: over TCP it carries one of 128 KiB or so in each
/// call, and the next may be there.
constexpr std::chrono::microseconds kMovesSomething{10};

}  // namespace satsuma::distributed

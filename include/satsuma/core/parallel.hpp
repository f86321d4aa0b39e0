#pragma once

#include <cstdint>
#include <functional>

namespace satsuma {

/// Threads that computations use; default_threads() until another number is set.
int threads();
/// Throws UsageError when `count` is below 1. More threads than cores work, but slowly.
void set_threads(int count);

/// Splits [0, count) into one contiguous range per thread and calls `body(begin, end)` for each that is not
/// empty. `grain` is the least number of items worth a thread. The split depends on nothing but the three
/// numbers, so results are the same bits for the same number of threads. The first exception is thrown again
/// in the caller. Called from inside a parallel region it runs in the calling thread.
void parallel_for(std::int64_t count, std::int64_t grain,
                  const std::function<void(std::int64_t begin, std::int64_t end)>& body);

}  // namespace satsuma

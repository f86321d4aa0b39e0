#include "satsuma/core/parallel.hpp"

#include <fmt/core.h>
#include <omp.h>

#include <algorithm>
#include <exception>
#include <mutex>

#include "satsuma/core/error.hpp"
#include "satsuma/core/thread_limit.hpp"

namespace satsuma {

namespace {

int& thread_setting() {
  static int count = default_threads().count;
  return count;
}

}  // namespace

int threads() {
  return thread_setting();
}

void set_threads(int count) {
  if (count < 1) throw UsageError(fmt::format("--threads got {}, expected 1 or more", count));
  thread_setting() = count;
  omp_set_num_threads(count);  // what oneDNN goes by
}

void parallel_for(std::int64_t count, std::int64_t grain,
                  const std::function<void(std::int64_t, std::int64_t)>& body) {
  if (count <= 0) return;
  const std::int64_t most = (count + std::max<std::int64_t>(grain, 1) - 1) / std::max<std::int64_t>(grain, 1);
  const auto parts = static_cast<int>(std::min<std::int64_t>(threads(), most));
  if (parts <= 1 || omp_in_parallel()) {
    body(0, count);
    return;
  }
  std::exception_ptr failure;
  std::mutex mutex;
#pragma omp parallel num_threads(parts)
  {
    const std::int64_t part = omp_get_thread_num();
    const std::int64_t got = omp_get_num_threads();
    try {
      for (std::int64_t p = part; p < parts; p += got) {
        const std::int64_t begin = count * p / parts;
        const std::int64_t end = count * (p + 1) / parts;
        if (begin < end) body(begin, end);
      }
    } catch (...) {
      std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace satsuma

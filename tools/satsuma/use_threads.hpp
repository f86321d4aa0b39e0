#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace satsuma::tools {

/// Makes `given`, or default_threads() without it, the number of threads that compute, and warns on standard
/// error when that is more than there are cores. Throws UsageError unless it is from 1 to 4096.
void use_threads(std::optional<std::int64_t> given);

/// `2 threads`; where that is the default and the machine has more cores, also why it is:
/// `1 thread (OMP_NUM_THREADS; the machine has 2 cores)`.
std::string threads_text();

}  // namespace satsuma::tools

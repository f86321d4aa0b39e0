#include "tools/satsuma/use_threads.hpp"

#include <fmt/core.h>

#include <latch>
#include <system_error>
#include <thread>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/core/parallel.hpp"
#include "satsuma/core/thread_limit.hpp"
#include "src/core/message.hpp"

namespace satsuma::tools {

namespace {

bool is_default = true;

/// Begins as many threads as OpenMP will, which, where the system gives none, ends the program in the middle
/// of its work.
void check_threads(int count) {
  std::latch all(1);
  std::vector<std::jthread> threads;
  try {
    threads.reserve(static_cast<std::size_t>(count));
    while (std::ssize(threads) + 1 < count) threads.emplace_back([&all] { all.wait(); });
  } catch (const std::system_error& error) {
    all.count_down();
    throw Error(fmt::format("the system gives no {} threads: {}; try a lower --threads", count,
                            error.code().message()));
  } catch (...) {
    all.count_down();
    throw;
  }
  all.count_down();
}

}  // namespace

void use_threads(std::optional<std::int64_t> given) {
  constexpr std::int64_t kMost = 4096;
  if (given && (*given < 1 || *given > kMost)) {
    throw UsageError(fmt::format("--threads got {}, expected a whole number from 1 to {}", *given, kMost));
  }
  is_default = !given;
  set_threads(static_cast<int>(given.value_or(default_threads().count)));
  check_threads(threads());
  if (threads() > available_cores()) {
    say("warning: {} threads on {} cores; expect it to be slower", threads(), available_cores());
  }
}

std::string threads_text() {
  std::string text = fmt::format("{} thread{}", threads(), threads() == 1 ? "" : "s");
  const std::string_view limit = default_threads().limit;
  if (!is_default || limit.empty()) return text;
  return text + fmt::format(" ({}; the machine has {} cores)", limit, machine_cores());
}

}  // namespace satsuma::tools

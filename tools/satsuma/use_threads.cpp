#include "tools/satsuma/use_threads.hpp"

#include <fmt/format.h>

#include "satsuma/core/error.hpp"
#include "satsuma/core/parallel.hpp"
#include "satsuma/core/thread_limit.hpp"
#include "src/core/message.hpp"

namespace satsuma::tools {

namespace {

bool is_default = true;

}  // namespace

void use_threads(std::optional<std::int64_t> given) {
  constexpr std::int64_t kMost = 4096;
  if (given && (*given < 1 || *given > kMost)) {
    throw UsageError(fmt::format("--threads got {}, expected a whole number from 1 to {}", *given, kMost));
  }
  is_default = !given;
  set_threads(static_cast<int>(given.value_or(default_threads().count)));
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

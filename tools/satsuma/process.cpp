#include "tools/satsuma/process.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <new>
#include <string_view>

namespace satsuma::tools {

namespace {

/// Says what was thrown, and aborts.
const std::terminate_handler default_end = std::get_terminate();

[[noreturn]] void leave(std::string_view words) noexcept {
  // Where it cannot be said the exit status has to do.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, words.data(), words.size());
  ::_exit(1);
}

/// What is out of memory in a destructor, as that of a JSON value of nlohmann's may be, can only end, but it
/// can say so. Files are whole: what is being written has a temporary name, which the next writer removes.
[[noreturn]] void end() noexcept {
  try {
    if (const std::exception_ptr error = std::current_exception()) std::rethrow_exception(error);
    // Thrown within a library's function that must not throw (toml++'s parser): what it was cannot be asked
    // for.
    if (std::uncaught_exceptions() > 0)
      leave(
          "satsuma: error: a library failed where it cannot say why, out of memory most likely; "
          "try a smaller --batch-size or model\n");
  } catch (const std::bad_alloc&) {
    leave("satsuma: error: out of memory; try a smaller --batch-size or model\n");
  } catch (...) {
    // A mistake of ours, for which there is the handler that was here before.
  }
  default_end();
  std::abort();
}

}  // namespace

void prepare_process() {
  std::set_terminate(end);
  // The lowest number that is free is given out first, so this ends with one above 2.
  int file = 0;
  while (file >= 0 && file <= STDERR_FILENO) file = ::open("/dev/null", O_RDWR);
  if (file > STDERR_FILENO) ::close(file);
  std::signal(SIGXFSZ, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
  // Where it is ignored, which is inherited, no one can wait for a process that he started.
  std::signal(SIGCHLD, SIG_DFL);
}

}  // namespace satsuma::tools

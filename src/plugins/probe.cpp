#include "src/plugins/probe.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "satsuma/core/error.hpp"
#include "satsuma/plugin.h"

namespace satsuma::plugin_host {

namespace {

constexpr unsigned kSeconds = 30;

/// The child's life. Whatever is wrong without dying of it the parent finds, too, and says it better.
[[noreturn]] void open_and_leave(const char* file) {
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM}) std::signal(signal, SIG_DFL);
  alarm(kSeconds);
  const int nowhere = ::open("/dev/null", O_RDWR);
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(nowhere, stream);
  try {
    void* const library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    void* const entry = library ? dlsym(library, "satsuma_plugin_entry") : nullptr;
    if (entry) reinterpret_cast<const satsuma_plugin* (*)()>(entry)();
  } catch (...) {
    _exit(0);
  }
  _exit(0);
}

}  // namespace

void probe(const std::filesystem::path& file) {
  const auto refuse = [&](const std::string& why) {
    throw UsageError(fmt::format("plug-in {}: {}", file.string(), why));
  };
  const pid_t child = fork();
  if (child == 0) open_and_leave(file.c_str());
  if (child < 0) refuse(fmt::format("no process to try it in: {}", std::strerror(errno)));
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
    refuse(fmt::format("was not loaded within {} s", kSeconds));
  }
  if (WIFSIGNALED(status)) {
    refuse(fmt::format(
        "ends the program while it is loaded: {} (an exception out of a static constructor, or a crash)",
        strsignal(WTERMSIG(status))));
  }
  if (WEXITSTATUS(status) != 0)
    refuse(fmt::format("ends the program while it is loaded, with status {}", WEXITSTATUS(status)));
}

}  // namespace satsuma::plugin_host

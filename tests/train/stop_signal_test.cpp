#include "satsuma/train/stop_signal.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/thread_sanitizer.hpp"

namespace satsuma::train {

TEST_CASE("the first signal is remembered, and handlers are put back") {
  // Where tests run under nohup it is ignored, which is respected.
  const auto hangup = std::signal(SIGHUP, SIG_DFL);
  struct sigaction before {};
  sigaction(SIGTERM, nullptr, &before);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) {
    const StopSignal guard;
    CHECK(StopSignal::received() == 0);
    std::raise(signal);
    CHECK(StopSignal::received() == signal);
  }
  struct sigaction after {};
  sigaction(SIGTERM, nullptr, &after);
  CHECK((after.sa_handler == before.sa_handler));
  std::signal(SIGHUP, hangup);
}

#if !SATSUMA_THREAD_SANITIZER
TEST_CASE("a second signal ends the process at once, unless it comes with the first") {
  for (const int milliseconds : {0, 500}) {
    CAPTURE(milliseconds);
    const pid_t child = fork();
    if (child == 0) {
      const StopSignal guard;
      std::raise(SIGINT);
      usleep(static_cast<useconds_t>(milliseconds) * 1000);
      std::raise(SIGTERM);
      _exit(StopSignal::received() == SIGINT ? 0 : 1);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == (milliseconds == 0 ? 0 : 128 + SIGTERM));
  }
}
#endif

TEST_CASE("nohup is respected, a background job's SIGINT is not ignored") {
  const auto hangup = std::signal(SIGHUP, SIG_IGN);
  const auto interrupt = std::signal(SIGINT, SIG_IGN);
  {
    const StopSignal guard;
    std::raise(SIGHUP);
    CHECK(StopSignal::received() == 0);
    std::raise(SIGINT);
    CHECK(StopSignal::received() == SIGINT);
  }
  std::signal(SIGHUP, hangup);
  std::signal(SIGINT, interrupt);
}

}  // namespace satsuma::train

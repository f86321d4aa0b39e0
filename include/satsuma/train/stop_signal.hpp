#pragma once

#include <array>
#include <csignal>

namespace satsuma::train {

/// Catches SIGINT, SIGTERM, SIGHUP and SIGUSR1 while it lives, so that a run can end in order: the first one
/// is remembered, a second one ends the process at once with exit code 128 + signal. One at a time.
class StopSignal {
 public:
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  /// The signal that came, 0 for none.
  static int received();

 private:
  std::array<struct sigaction, 4> before_{};
};

}  // namespace satsuma::train

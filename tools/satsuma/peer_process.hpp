#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "satsuma/core/error.hpp"
#include "src/core/json_fwd.hpp"

namespace satsuma::tools {

/// A program gave no answer in the time it had.
class PeerSilent : public Error {
 public:
  using Error::Error;
};

/// A program that answers each line written to it with one line of JSON. It is ended with the object.
class PeerProcess {
 public:
  /// Starts `command`, its first word looked up in PATH, and waits at most `patience` for each answer. Throws
  /// Error when it cannot be started.
  PeerProcess(const std::vector<std::string>& command, std::chrono::seconds patience);
  ~PeerProcess();
  PeerProcess(const PeerProcess&) = delete;
  PeerProcess& operator=(const PeerProcess&) = delete;

  /// Writes `line` and a line feed.
  void tell(const std::string& line);
  /// Waits for the next line. Throws Error when the program ended instead, with the last line of its standard
  /// error, or when the line is no JSON; PeerSilent when none came in time.
  Json answer();

 private:
  /// What has come by `deadline` is added to `received_`.
  void receive(std::chrono::steady_clock::time_point deadline);
  /// Ends the program, by force where it does not end by itself. Returns its status as waitpid() does, or
  /// nothing when that cannot be known.
  std::optional<int> end();
  [[noreturn]] void fail();

  std::string name_;
  std::chrono::seconds patience_;
  int socket_ = -1;  ///< its standard input and output
  int errors_ = -1;  ///< its standard error, in memory
  pid_t pid_ = -1;
  std::string received_;  ///< and not yet answered with
};

}  // namespace satsuma::tools

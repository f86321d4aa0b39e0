#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "tools/satsuma/output.hpp"

namespace satsuma::tools {

/// A program that answers each line written to it with one line of JSON. It is ended with the object.
class PeerProcess {
 public:
  /// Starts `command`, its first word looked up in PATH. Throws Error when it cannot be started.
  explicit PeerProcess(const std::vector<std::string>& command);
  ~PeerProcess();
  PeerProcess(const PeerProcess&) = delete;
  PeerProcess& operator=(const PeerProcess&) = delete;

  /// Writes `line` and a line feed.
  void tell(const std::string& line);
  /// Waits for the next line. Throws Error when the program ended instead, with the last line of its standard
  /// error, or when it is no JSON.
  Json answer();

 private:
  [[noreturn]] void fail();

  std::string name_;
  int socket_ = -1;  ///< its standard input and output
  int errors_ = -1;  ///< its standard error, in memory
  pid_t pid_ = -1;
  std::string received_;  ///< and not yet answered with
};

}  // namespace satsuma::tools

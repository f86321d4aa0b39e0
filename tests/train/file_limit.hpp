#pragma once

#include <sys/resource.h>

#include <csignal>
#include <string>

#include "satsuma/core/error.hpp"
#include "train/support.hpp"

namespace satsuma::testing {

/// The IoError of `action` while files may have `bytes` at most, which stands for a full disk: writing fails
/// half way.
template <typename F>
std::string with_file_limit(rlim_t bytes, F&& action) {
  const auto before = std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  getrlimit(RLIMIT_FSIZE, &limit);
  const rlimit tight = {bytes, limit.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &tight) == 0);
  const std::string message = message_of<IoError>(action);
  setrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, before);
  return message;
}

}  // namespace satsuma::testing

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace satsuma::tools {

/// Where the live view is served.
struct ServeAddress {
  static constexpr int kUsualPort = 8734;

  std::string host = "127.0.0.1";
  int port = kUsualPort;
  bool asked = false;  ///< for this very port: no other will do

  /// Reads `PORT` or `ADDRESS:PORT`; nothing is the usual one of this machine alone. Throws UsageError.
  static ServeAddress parse(std::string_view text);
  /// Whether only programs on this machine reach it.
  bool loopback() const;
};

}  // namespace satsuma::tools

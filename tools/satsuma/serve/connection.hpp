#pragma once

#include <httplib.h>

#include <atomic>
#include <chrono>
#include <cstddef>

namespace satsuma::tools {

/// A client's connection with an end: so much time for all of it and so many bytes from it, whatever the
/// client does. httplib's own timeouts are by call, and a client that sends a byte now and then has no end
/// there.
class Connection : public httplib::Stream {
 public:
  static constexpr std::chrono::seconds kMostTime{3};
  static constexpr std::size_t kMostBytes = std::size_t{64} << 10;

  /// Ends early, too, when `stopping` becomes true. Does not own the socket.
  Connection(socket_t socket, const std::atomic<bool>& stopping);

  bool is_readable() const override;
  bool is_writable() const override;
  ssize_t read(char* to, size_t size) override;
  ssize_t write(const char* from, size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return socket_; }

 private:
  bool wait_for(short event) const;

  socket_t socket_;
  const std::atomic<bool>& stopping_;
  std::chrono::steady_clock::time_point end_;
  std::size_t left_ = kMostBytes;
};

}  // namespace satsuma::tools

#include "tools/satsuma/serve/connection.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace satsuma::tools {

Connection::Connection(socket_t socket, const std::atomic<bool>& stopping)
    : socket_(socket), stopping_(stopping), end_(std::chrono::steady_clock::now() + kMostTime) {}

bool Connection::wait_for(short event) const {
  constexpr int kSliceMilliseconds = 50;
  while (!stopping_ && std::chrono::steady_clock::now() < end_) {
    pollfd entry{socket_, event, 0};
    const int ready = ::poll(&entry, 1, kSliceMilliseconds);
    if (ready > 0) return (entry.revents & (event | POLLHUP)) != 0;
    if (ready < 0 && errno != EINTR) return false;
  }
  return false;
}

bool Connection::is_readable() const {
  return left_ > 0 && wait_for(POLLIN);
}

bool Connection::is_writable() const {
  return wait_for(POLLOUT);
}

ssize_t Connection::read(char* to, size_t size) {
  while (is_readable()) {
    const ssize_t got = ::recv(socket_, to, std::min(size, left_), MSG_DONTWAIT);
    if (got >= 0) {
      left_ -= static_cast<std::size_t>(got);
      return got;
    }
    if (errno != EINTR && errno != EAGAIN) return -1;
  }
  return -1;
}

ssize_t Connection::write(const char* from, size_t size) {
  while (is_writable()) {
    const ssize_t sent = ::send(socket_, from, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) return sent;
    if (errno != EINTR && errno != EAGAIN) return -1;
  }
  return -1;
}

// Nobody asks: the page is the same for everyone.
void Connection::get_remote_ip_and_port(std::string&, int&) const {}
void Connection::get_local_ip_and_port(std::string&, int&) const {}

}  // namespace satsuma::tools

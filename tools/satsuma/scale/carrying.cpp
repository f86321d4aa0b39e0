#include "tools/satsuma/scale/carrying.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <system_error>
#include <utility>
#include <vector>

#include "satsuma/core/cpu.hpp"
#include "satsuma/core/error.hpp"
#include "src/core/file_descriptor.hpp"
#include "tools/satsuma/statistics.hpp"

namespace satsuma::tools::scale {

namespace {

constexpr std::size_t kMessage = 60 << 10;
/// More than caches hold, as gradients are.
constexpr std::size_t kBytes = 512 * kMessage;

void expect(bool good) {
  if (good) return;
  throw Error("cannot measure what TCP takes of the cores, over a connection of this machine with itself: " +
              std::system_category().message(errno));
}

/// Two ends of a TCP connection over the loopback interface.
std::pair<FileDescriptor, FileDescriptor> connection() {
  const FileDescriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(at);
  auto* const address = reinterpret_cast<sockaddr*>(&at);
  expect(listener.get() >= 0 && ::bind(listener.get(), address, size) == 0 &&
         ::listen(listener.get(), 1) == 0 && ::getsockname(listener.get(), address, &size) == 0);
  FileDescriptor sender(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  expect(sender.get() >= 0 && ::connect(sender.get(), address, size) == 0);
  FileDescriptor receiver(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  expect(receiver.get() >= 0);
  return {std::move(sender), std::move(receiver)};
}

/// Bytes that have gone on at once.
std::size_t moved(ssize_t answer) {
  expect(answer >= 0 || errno == EAGAIN || errno == EINTR);
  return answer > 0 ? static_cast<std::size_t>(answer) : 0;
}

}  // namespace

double carrying_seconds() {
  const auto [sender, receiver] = connection();
  const std::vector<std::byte> from(kBytes, std::byte{1});
  std::vector<std::byte> to(kBytes), leaving(kMessage), arriving(kMessage);
  std::vector<std::byte> work(2 * cache_sizes().level2);
  std::vector<double> seconds;
  for (std::size_t at = 0; at < kBytes; at += kMessage) {
    // As compute leaves the caches.
    for (std::byte& value : work) value ^= std::byte{1};
    const auto begin = std::chrono::steady_clock::now();
    std::copy_n(from.data() + at, kMessage, leaving.data());
    std::size_t sent = 0, received = 0;
    while (received < kMessage) {
      if (sent < kMessage) {
        sent +=
            moved(::send(sender.get(), leaving.data() + sent, kMessage - sent, MSG_DONTWAIT | MSG_NOSIGNAL));
      }
      received +=
          moved(::recv(receiver.get(), arriving.data() + received, kMessage - received, MSG_DONTWAIT));
    }
    std::copy_n(arriving.data(), kMessage, to.data() + at);
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  return median(seconds) / static_cast<double>(kMessage);
}

}  // namespace satsuma::tools::scale

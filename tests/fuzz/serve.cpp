// Requests to the live view (`satsuma train --serve`), over a connection as a browser makes it. Whatever is
// asked, the answer is one of HTTP or none, and the page comes with its own status only.

#include <fmt/core.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "fuzz.hpp"
#include "tools/satsuma/serve/live_view.hpp"

using namespace satsuma;

namespace {

constexpr std::string_view kPage = "<p>what is trained</p>";

/// The port of a server that lives as long as the program.
in_port_t served_port() {
  static std::string problem;
  // Any port will do.
  static const std::unique_ptr<tools::LiveView> view = tools::serve(
      tools::ServeAddress{}, [] { return std::string(kPage); }, problem);
  if (!view) {
    fmt::print(stderr, "cannot serve: {}\n", problem);
    std::abort();
  }
  const std::string url = view->url();
  return static_cast<in_port_t>(std::stoi(url.substr(url.rfind(':') + 1)));
}

class Client {
 public:
  explicit Client(in_port_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    // Closed at once: thousands of connections that the system remembers would leave no port.
    const linger none{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // The system may be out of ports for a while.
    for (int tries = 0; ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0;
         ++tries) {
      if (tries == 1000) std::abort();
      ::usleep(10'000);
    }
  }
  ~Client() { ::close(socket_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// All that comes back. The server may have had enough before it has all of the request.
  std::string ask(std::string_view request) {
    while (!request.empty()) {
      const ssize_t sent = ::send(socket_, request.data(), request.size(), MSG_NOSIGNAL);
      if (sent <= 0) break;
      request.remove_prefix(static_cast<std::size_t>(sent));
    }
    ::shutdown(socket_, SHUT_WR);
    std::string answer;
    char some[4096];
    for (ssize_t got; (got = ::recv(socket_, some, sizeof some, 0)) > 0;)
      answer.append(some, static_cast<std::size_t>(got));
    return answer;
  }

 private:
  int socket_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const in_port_t port = served_port();
  const std::string answer = Client(port).ask({reinterpret_cast<const char*>(bytes), size});
  if (answer.empty()) return 0;
  if (!answer.starts_with("HTTP/1.1 ")) std::abort();
  // `100 Continue` may come before, so the status of the page is not always the first.
  const std::size_t page = answer.find(kPage);
  if (page != std::string::npos && answer.rfind("HTTP/1.1 20", page) == std::string::npos) std::abort();
  return 0;
}

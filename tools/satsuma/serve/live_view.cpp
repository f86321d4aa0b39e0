#include "tools/satsuma/serve/live_view.hpp"

#include <fmt/core.h>
#include <httplib.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "src/core/signals_blocked.hpp"
#include "tools/satsuma/serve/connection.hpp"

namespace satsuma::tools {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kWorkers = 4;
/// Connections that may wait for a worker: each holds a file of the process, of which training needs some.
constexpr int kMostWaiting = 16;

/// True while the thread closes a connection that there is no room for.
thread_local bool turned_away = false;

/// A few workers, and an end to what waits for them.
class Workers : public httplib::TaskQueue {
 public:
  using Enqueued = decltype(std::declval<httplib::TaskQueue&>().enqueue({}));

  // Later versions of httplib want to hear whether it was taken.
  Enqueued enqueue(std::function<void()> work) override {
    if (waiting_ >= kMostWaiting) {
      turned_away = true;
      work();
      turned_away = false;
    } else {
      ++waiting_;
      pool_.enqueue([this, work = std::move(work)] {
        --waiting_;
        work();
      });
    }
    return static_cast<Enqueued>(true);
  }
  void shutdown() override { pool_.shutdown(); }

 private:
  std::atomic<int> waiting_ = 0;
  httplib::ThreadPool pool_{kWorkers};
};

/// Only that a port in use is an error: by default httplib lets two servers have it at once.
void only_reuse_address(socket_t socket) {
  const int yes = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
}

/// As it stands in a URL.
std::string in_url(const std::string& host) {
  return host.find(':') == std::string::npos ? host : '[' + host + ']';
}

/// `localhost:8734` and the like, or the address that is served at: a page of another site that gives its
/// name this machine's address must not read ours.
bool names_this_machine(std::string host, const std::string& served_at) {
  const auto lower = [](unsigned char c) { return static_cast<char>(std::tolower(c)); };
  std::transform(host.begin(), host.end(), host.begin(), lower);
  const std::string own = in_url(served_at);
  for (const std::string_view name : {std::string_view("localhost"), std::string_view("127.0.0.1"),
                                      std::string_view("[::1]"), std::string_view(own)}) {
    if (host.starts_with(name) && (host.size() == name.size() || host[name.size()] == ':')) return true;
  }
  return false;
}

class Server : public LiveView, private httplib::Server {
 public:
  Server(const ServeAddress& address, std::function<std::string()> page)
      : host_(address.host), loopback_(address.loopback()), page_(std::move(page)) {
    set_socket_options(only_reuse_address);
    set_keep_alive_max_count(1);
    new_task_queue = [] { return new Workers; };
    set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
      answer(request, response);
      return HandlerResponse::Handled;
    });
  }

  ~Server() override {
    stopping_ = true;
    // It can only be stopped when it runs, which it may not yet.
    while (thread_.joinable() && !done_) {
      stop();
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    if (thread_.joinable()) thread_.join();
  }

  /// False where the port cannot be had.
  bool start(int port, bool any_port) {
    errno = 0;
    if (bind_to_port(host_.c_str(), port)) {
      port_ = port;
    } else {
      port_ = any_port ? bind_to_any_port(host_.c_str()) : -1;
    }
    if (port_ <= 0) return false;
    const SignalsBlocked blocked;
    thread_ = std::thread([this] {
      try {
        listen_after_bind();
      } catch (...) {
        // Training goes on without it.
      }
      done_ = true;
    });
    return true;
  }

  std::string url() const override { return fmt::format("http://{}:{}/", in_url(host_), port_); }

 private:
  bool process_and_close_socket(socket_t socket) override {
    bool good = false;
    try {
      if (!turned_away && !stopping_) {
        Connection connection(socket, stopping_);
        good = process(*this, connection);
      }
    } catch (...) {
      good = false;
    }
    ::shutdown(socket, SHUT_RDWR);
    ::close(socket);
    return good;
  }

  /// As this version of httplib has it.
  template <typename Self>
  static bool process(Self& self, httplib::Stream& stream) {
    bool closed = false;
    const std::function<void(httplib::Request&)> nothing = [](httplib::Request&) {};
    if constexpr (requires { self.process_request(stream, true, closed, nothing); }) {
      return self.process_request(stream, true, closed, nothing);
    } else {
      return self.process_request(stream, std::string(), 0, std::string(), 0, true, closed, nothing);
    }
  }

  void answer(const httplib::Request& request, httplib::Response& response) {
    const auto refuse = [&](int status, const char* words) {
      response.status = status;
      response.set_content(words, "text/plain; charset=utf-8");
    };
    response.set_header("X-Content-Type-Options", "nosniff");
    response.set_header("Cache-Control", "no-store");
    if (request.method != "GET" && request.method != "HEAD") {
      response.set_header("Allow", "GET, HEAD");
      return refuse(405, "Only GET and HEAD.\n");
    }
    if (loopback_ && !names_this_machine(request.get_header_value("Host"), host_))
      return refuse(403, "Ask for localhost or 127.0.0.1.\n");
    if (request.path != "/") return refuse(404, "There is one page: /\n");
    response.set_header("Content-Security-Policy",
                        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
                        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'");
    try {
      response.status = 200;
      response.set_content(*made(), "text/html; charset=utf-8");
    } catch (const std::exception& error) {
      refuse(503, "The page could not be made; try again.\n");
    }
  }

  /// The page as it was made less than a second ago, or anew.
  std::shared_ptr<const std::string> made() {
    const std::lock_guard lock(mutex_);
    if (!text_ || Clock::now() - made_at_ > std::chrono::seconds(1)) {
      text_ = std::make_shared<const std::string>(page_());
      made_at_ = Clock::now();
    }
    return text_;
  }

  std::string host_;
  bool loopback_;
  std::function<std::string()> page_;
  int port_ = -1;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> done_ = false;
  std::mutex mutex_;
  std::shared_ptr<const std::string> text_;
  Clock::time_point made_at_;
  std::thread thread_;
};

}  // namespace

void check_can_serve() {}

std::unique_ptr<LiveView> serve(const ServeAddress& address, std::function<std::string()> page,
                                std::string& problem) try {
  auto server = std::make_unique<Server>(address, std::move(page));
  if (server->start(address.port, !address.asked)) return server;
  problem = errno == EADDRINUSE
                ? fmt::format("port {} is in use", address.port)
                : fmt::format("{}:{} cannot be served: {}", in_url(address.host), address.port,
                              errno != 0 ? std::generic_category().message(errno)
                                         : std::string("no such address of this machine"));
  return nullptr;
} catch (const std::exception& error) {
  problem = error.what();
  return nullptr;
}

}  // namespace satsuma::tools

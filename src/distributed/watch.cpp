#include "src/distributed/watch.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <random>
#include <sstream>
#include <utility>

#include "src/core/message.hpp"
#include "src/core/signals_blocked.hpp"

namespace satsuma::distributed {

namespace {

constexpr char kAlive = 'a';
constexpr char kBye = 'b';
constexpr char kFails = 'f';
constexpr std::size_t kLongestGreeting = 64;
constexpr int kPulse = 1000;            ///< milliseconds
constexpr int kConnectPatience = 2000;  ///< milliseconds, for each address

std::string random_secret() {
  std::random_device device;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", device(), device(), device(), device());
}

/// Of this host, loopback last.
std::vector<std::string> own_addresses() {
  std::vector<std::string> others, loopback;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return {"127.0.0.1"};
  for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr || at->ifa_addr->sa_family != AF_INET) continue;
    std::array<char, INET_ADDRSTRLEN> text{};
    const auto* const address = reinterpret_cast<const sockaddr_in*>(at->ifa_addr);
    ::inet_ntop(AF_INET, &address->sin_addr, text.data(), text.size());
    const std::string name = text.data();
    (name.starts_with("127.") ? loopback : others).push_back(name);
  }
  ::freeifaddrs(list);
  others.insert(others.end(), loopback.begin(), loopback.end());
  return others;
}

/// A connection, or -1.
int connection_to(const std::string& address, int port) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(port));
  if (::inet_pton(AF_INET, address.c_str(), &to.sin_addr) != 1) return -1;
  const int file = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (file < 0) return -1;
  bool connected = ::connect(file, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0;
  if (!connected && errno == EINPROGRESS) {
    pollfd waits{file, POLLOUT, 0};
    int error = 0;
    socklen_t size = sizeof(error);
    connected = ::poll(&waits, 1, kConnectPatience) == 1 &&
                ::getsockopt(file, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
  }
  if (connected) return file;
  ::close(file);
  return -1;
}

void send_text(int file, std::string_view text) noexcept {
  // What does not fit waits for nobody: the other end does not read, which it will be asked about.
  if (::send(file, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) return;
}

}  // namespace

Watch::Watch(int rank, std::vector<std::string> hosts,
             const std::function<std::string(std::string)>& of_first)
    : rank_(rank), hosts_(std::move(hosts)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (rank_ == 0) {
    listen_to_all(of_first);
  } else {
    connect_to_first(of_first({}));
  }
  const SignalsBlocked blocked;
  thread_ = std::thread([this] { work(); });
}

Watch::~Watch() {
  leave();
}

void Watch::listen_to_all(const std::function<std::string(std::string)>& of_first) {
  secret_ = random_secret();
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  socklen_t size = sizeof(at);
  std::string text;
  if (listener_ >= 0 && ::bind(listener_, reinterpret_cast<const sockaddr*>(&at), sizeof(at)) == 0 &&
      ::listen(listener_, SOMAXCONN) == 0 &&
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size) == 0) {
    text = fmt::format("{} {}", secret_, ntohs(at.sin_port));
    for (const std::string& address : own_addresses()) text += " " + address;
  }
  of_first(text);
}

void Watch::connect_to_first(const std::string& addresses) {
  std::istringstream words(addresses);
  int port = 0;
  words >> secret_ >> port;
  std::vector<std::string> list;
  for (std::string address; words >> address;) list.push_back(address);
  // On one host nothing but loopback need be there.
  if (hosts_[static_cast<std::size_t>(rank_)] == hosts_[0]) std::reverse(list.begin(), list.end());
  for (const std::string& address : list) {
    const int file = connection_to(address, port);
    if (file < 0) continue;
    send_text(file, fmt::format("{} {}\n", secret_, rank_));
    peers_.push_back({0, file, {}, Clock::now(), false});
    return;
  }
  set_silent(false);
  say("warning: rank {} on {} cannot reach rank 0 at {}; should either end, the other may wait for ever",
      rank_, hosts_[static_cast<std::size_t>(rank_)],
      addresses.empty() ? "any address" : addresses.substr(33));
  set_silent(true);
}

void Watch::leave() {
  if (!thread_.joinable()) return;
  stops_ = true;
  const std::uint64_t one = 1;
  if (::write(wake_, &one, sizeof(one)) < 0) stops_ = true;  // the next pulse ends it, then
  thread_.join();
  say_to_all(kBye);
  for (const Peer& peer : peers_) ::close(peer.file);
  if (listener_ >= 0) ::close(listener_);
  ::close(wake_);
}

bool Watch::knows_all() {
  const std::lock_guard lock(mutex_);
  const auto known =
      std::count_if(peers_.begin(), peers_.end(), [](const Peer& peer) { return peer.rank >= 0; });
  return rank_ != 0 || known + 1 >= static_cast<std::ptrdiff_t>(hosts_.size());
}

void Watch::fail() noexcept {
  // What is wrong at once is wrong before all have said who they are.
  for (int i = 0; i < 100 && !knows_all(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  say_to_all(kFails);
}

bool Watch::first_fails() {
  constexpr int kTries = 100;
  for (int i = 0; i < kTries && !first_failed_; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  return first_failed_;
}

void Watch::say_to_all(char word) noexcept {
  const std::lock_guard lock(mutex_);
  for (const Peer& peer : peers_) send_text(peer.file, {&word, 1});
}

void Watch::work() {
  Clock::time_point pulse = Clock::now();
  while (!stops_) {
    std::vector<pollfd> files = {{wake_, POLLIN, 0}, {listener_, POLLIN, 0}};
    for (const Peer& peer : peers_) files.push_back({peer.file, POLLIN, 0});
    ::poll(files.data(), files.size(), kPulse);
    if (stops_) return;
    const Clock::time_point now = Clock::now();
    // A process that was stopped, or whose machine slept, has not listened.
    const bool slept = now - pulse > std::chrono::seconds(5);
    for (std::size_t i = 2; i < files.size(); ++i) {
      Peer& peer = peers_[i - 2];
      if (slept) peer.last = now;
      if (files[i].revents != 0) hear(peer);
      if (peer.gone || now - peer.last <= kSilence) continue;
      if (peer.rank >= 0) {
        end(peer, fmt::format("has not been heard of for {} s: its host is gone, or the network to it",
                              kSilence.count()));
      }
      peer.gone = true;
    }
    drop_gone();
    if (files[1].revents != 0) accept_one();
    if (now - pulse < std::chrono::milliseconds(kPulse)) continue;
    pulse = now;
    say_to_all(kAlive);
  }
}

void Watch::drop_gone() {
  const std::lock_guard lock(mutex_);
  for (const Peer& peer : peers_) {
    if (peer.gone) ::close(peer.file);
  }
  std::erase_if(peers_, [](const Peer& peer) { return peer.gone; });
}

void Watch::accept_one() {
  const int file = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (file < 0) return;
  const std::lock_guard lock(mutex_);
  peers_.push_back({-1, file, {}, Clock::now(), false});
}

void Watch::hear(Peer& peer) {
  std::array<char, 256> bytes{};
  const ssize_t got = ::recv(peer.file, bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    if (peer.rank >= 0) end(peer, "has died");
    peer.gone = true;
    return;
  }
  peer.last = Clock::now();
  for (ssize_t i = 0; i < got && !peer.gone; ++i) hear_word(peer, bytes[static_cast<std::size_t>(i)]);
}

void Watch::hear_word(Peer& peer, char word) {
  if (peer.rank < 0) {
    if (word != '\n') {
      peer.heard += word;
    } else if (peer.heard.starts_with(secret_ + " ")) {
      const std::lock_guard lock(mutex_);
      peer.rank = std::atoi(peer.heard.c_str() + secret_.size());
    }
    const bool may_be_known = word != '\n' && peer.heard.size() < kLongestGreeting;
    // Whatever else a stranger says is nothing to us.
    peer.gone = peer.rank < 0 && !may_be_known;
    return;
  }
  if (word == kAlive) return;
  if (word == kFails) {
    if (rank_ == 0) say_to_all(kFails);
    if (peer.rank == 0) first_failed_ = true;
    // The launcher ends this process as soon as it knows; it may not know.
    std::this_thread::sleep_for(std::chrono::seconds(3));
    end_silently();
  }
  peer.gone = true;
}

void Watch::end(const Peer& lost, const std::string& how) {
  const std::string& host = hosts_[static_cast<std::size_t>(lost.rank)];
  const std::string& own = hosts_[static_cast<std::size_t>(rank_)];
  const auto first_here = std::find(hosts_.begin(), hosts_.end(), own) - hosts_.begin();
  // Also where a signal has asked this one to end: that may be the launcher, which has seen the same death.
  if (rank_ <= 1 || first_here == rank_) {
    set_silent(false);
    say("error: rank {} of {} on {} {}; all ranks end, and the last checkpoint stays", lost.rank,
        hosts_.size(), host, how);
  }
  if (rank_ == 0) say_to_all(kFails);
  end_silently();
}

void Watch::end_silently() {
  ::_exit(1);
}

}  // namespace satsuma::distributed

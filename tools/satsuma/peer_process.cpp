#include "tools/satsuma/peer_process.hpp"

#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <thread>

#include "satsuma/core/error.hpp"
#include "src/core/json.hpp"
#include "tools/satsuma/file_text.hpp"

extern char** environ;

namespace satsuma::tools {

namespace {

/// As much of a line as fits in a message.
std::string in_message(const std::string& line) {
  return line.substr(0, 300);
}

std::string read_all(int file) {
  std::string text;
  std::array<char, 4096> part{};
  for (off_t at = 0;;) {
    const ssize_t got = pread(file, part.data(), part.size(), at);
    if (got <= 0) return text;
    text.append(part.data(), static_cast<std::size_t>(got));
    at += got;
  }
}

}  // namespace

PeerProcess::PeerProcess(const std::vector<std::string>& command, std::chrono::seconds patience)
    : name_(command.front()), patience_(patience) {
  // A pair of sockets instead of pipes: writing to an ended program is an error then, not a signal.
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw Error(fmt::format("'{}' cannot be started: {}", name_, std::strerror(errno)));
  }
  socket_ = ends[0];
  errors_ = memfd_create("errors", MFD_CLOEXEC);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  if (errors_ >= 0) posix_spawn_file_actions_adddup2(&actions, errors_, STDERR_FILENO);
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const int error = posix_spawnp(&pid_, words[0], &actions, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  if (error == 0) return;
  close(socket_);
  if (errors_ >= 0) close(errors_);
  throw Error(fmt::format("'{}' cannot be started: {}", name_, std::strerror(error)));
}

PeerProcess::~PeerProcess() {
  close(socket_);
  if (errors_ >= 0) close(errors_);
  if (pid_ < 0) return;
  kill(pid_, SIGTERM);
  end();
}

void PeerProcess::tell(const std::string& line) {
  std::string rest = line + "\n";
  while (!rest.empty()) {
    const ssize_t sent = send(socket_, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) fail();
    rest.erase(0, static_cast<std::size_t>(sent));
  }
}

Json PeerProcess::answer() {
  constexpr std::size_t kLongest = 1 << 20;
  const auto deadline = std::chrono::steady_clock::now() + patience_;
  std::size_t end = received_.find('\n');
  while (end == std::string::npos && received_.size() < kLongest) {
    receive(deadline);
    end = received_.find('\n');
  }
  const std::string line = received_.substr(0, end);
  received_.erase(0, end == std::string::npos ? end : end + 1);
  Json value = parse_json(line);
  if (!value.is_discarded()) return value;
  throw Error(fmt::format("'{}' answered '{}', expected a line of JSON", name_, in_message(last_line(line))));
}

void PeerProcess::receive(std::chrono::steady_clock::time_point deadline) {
  using std::chrono::milliseconds;
  const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now()).count();
  if (left <= 0) {
    throw PeerSilent(
        fmt::format("'{}' gave no answer in {} s; --peer-timeout gives it longer", name_, patience_.count()));
  }
  pollfd waiting = {socket_, POLLIN, 0};
  const int ready = poll(&waiting, 1, static_cast<int>(std::min<std::int64_t>(left, 60'000)));
  if (ready == 0 || (ready < 0 && errno == EINTR)) return;
  std::array<char, 4096> part{};
  const ssize_t got = recv(socket_, part.data(), part.size(), 0);
  if (got < 0 && errno == EINTR) return;
  if (got <= 0) fail();
  received_.append(part.data(), static_cast<std::size_t>(got));
}

std::optional<int> PeerProcess::end() {
  // What closed its output may still be on its way out, or not mean to go.
  constexpr std::chrono::milliseconds kStep{10};
  std::chrono::milliseconds grace{2000};
  int status = 0;
  for (;;) {
    const pid_t waited = waitpid(pid_, &status, grace.count() > 0 ? WNOHANG : 0);
    if (waited < 0 && errno == EINTR) continue;
    if (waited != 0) {
      pid_ = -1;
      return waited > 0 ? std::optional(status) : std::nullopt;
    }
    std::this_thread::sleep_for(kStep);
    grace -= kStep;
    if (grace.count() <= 0) kill(pid_, SIGKILL);
  }
}

void PeerProcess::fail() {
  shutdown(socket_, SHUT_RDWR);
  const std::optional<int> status = end();
  const std::string words = in_message(last_line(errors_ >= 0 ? read_all(errors_) : ""));
  const std::string how = !status                ? "unexpectedly"
                          : WIFSIGNALED(*status) ? fmt::format("by signal {}", WTERMSIG(*status))
                                                 : fmt::format("with status {}", WEXITSTATUS(*status));
  throw Error(fmt::format("'{}' ended {}{}{}", name_, how, words.empty() ? "" : ": ", words));
}

}  // namespace satsuma::tools

#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace satsuma::distributed {

/// Sees to it that no rank waits for one that is gone. MPI's own calls wait for ever, so each process has a
/// thread that listens on a connection of its own: rank 0 to all, all to rank 0, a byte a second. A rank
/// whose connection ends without a goodbye has died; one that is silent for kSilence has lost its host or its
/// network. Either ends this process with exit status 1; one line says why, of rank 0, or where that is gone,
/// of the first rank left.
class Watch {
 public:
  static constexpr std::chrono::seconds kSilence{15};

  /// `of_first` gives rank 0's text to all. Where no connection can be made a warning says so.
  Watch(int rank, std::vector<std::string> hosts, const std::function<std::string(std::string)>& of_first);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  /// This rank is done.
  void leave();
  /// This rank fails, and has said why.
  void fail() noexcept;
  /// Waits until rank 0 says that it fails, at most a second.
  bool first_fails();

 private:
  using Clock = std::chrono::steady_clock;
  struct Peer {
    int rank = -1;  ///< unknown until it has said it
    int file = -1;
    std::string heard = {};  ///< of its greeting
    Clock::time_point last = {};
    bool gone = false;
  };

  void listen_to_all(const std::function<std::string(std::string)>& of_first);
  void connect_to_first(const std::string& addresses);
  void work();
  bool knows_all();
  void drop_gone();
  void accept_one();
  void hear(Peer& peer);
  void hear_word(Peer& peer, char word);
  void say_to_all(char word) noexcept;
  [[noreturn]] void end(const Peer& lost, const std::string& how);
  [[noreturn]] void end_silently();

  int rank_;
  std::vector<std::string> hosts_;
  std::string secret_;
  int listener_ = -1;
  int wake_ = -1;
  std::mutex mutex_;  ///< of changes of peers_, which the thread makes, and of what others read of it
  std::vector<Peer> peers_;
  std::atomic<bool> stops_ = false;
  std::atomic<bool> first_failed_ = false;
  std::thread thread_;
};

}  // namespace satsuma::distributed

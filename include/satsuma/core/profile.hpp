#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <string_view>

namespace satsuma {

/// Part of a training step.
enum class Phase : std::uint8_t { forward, backward, update };

/// Where the time of the calling thread goes, by operation, while it lives. Whoever ends a piece of work
/// calls lap(), and all time since the thread's previous lap is booked under that name: nothing is counted
/// twice or forgotten, and without a Profile a lap costs one branch. Autograd laps after each recorded
/// operation and each derivative.
class Profile {
 public:
  struct Key {
    Phase phase;
    std::string_view operation;
    auto operator<=>(const Key&) const = default;
  };

  /// Starts measuring. One at a time on a thread; throws Error when there is another.
  Profile();
  ~Profile();
  Profile(const Profile&) = delete;
  Profile& operator=(const Profile&) = delete;

  /// Forgets everything and starts anew now.
  void restart();
  /// Nanoseconds by operation since the start.
  const std::map<Key, std::int64_t>& nanoseconds() const { return nanoseconds_; }

 private:
  friend void lap(Phase phase, std::string_view operation);
  void book(const Key& key);

  std::map<Key, std::int64_t> nanoseconds_;
  std::chrono::steady_clock::time_point last_;
};

/// Books the time since the previous lap on this thread under `operation`, a literal, when there is a
/// Profile.
void lap(Phase phase, std::string_view operation);

}  // namespace satsuma

#pragma once

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace satsuma {

/// Part of a training step: `data` is waiting for it, `other` what lies between steps.
enum class Phase : std::uint8_t { forward, backward, update, data, other };
std::string_view to_string(Phase phase);

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
  using Clock = std::chrono::steady_clock;
  /// A piece of the time line, and the host memory that tensors had at its end.
  struct Piece {
    Clock::time_point begin;
    Clock::time_point end;
    std::size_t bytes_in_use = 0;
  };
  struct Lap : Piece {
    Key key;
  };
  /// What a layer's device did: a pass or the update.
  struct LayerPart : Piece {
    std::string layer;
    std::string_view part;
  };
  enum class Keep : std::uint8_t { sums, timeline };

  /// Starts measuring. One at a time on a thread; throws Error when there is another. Under Keep::timeline
  /// each lap is kept, and each part of a layer, after which its device is waited for.
  explicit Profile(Keep keep = Keep::sums);
  ~Profile();
  Profile(const Profile&) = delete;
  Profile& operator=(const Profile&) = delete;

  /// Forgets everything and starts anew now.
  void restart();
  /// Nanoseconds by operation since the start.
  const std::map<Key, std::int64_t>& nanoseconds() const { return nanoseconds_; }
  /// Of all operations of a phase.
  double seconds(Phase phase) const;
  /// In the order in which they ended; empty under Keep::sums.
  const std::vector<Lap>& laps() const { return laps_; }
  const std::vector<LayerPart>& layer_parts() const { return parts_; }

 private:
  friend void lap(Phase phase, std::string_view operation);
  friend class LayerClock;
  void book(const Key& key);

  Keep keep_;
  std::map<Key, std::int64_t> nanoseconds_;
  std::vector<Lap> laps_;
  std::vector<LayerPart> parts_;
  Clock::time_point last_;
};

/// Times a part of a layer, from construction to destruction, for a Profile that keeps the time line; nothing
/// without one. `part` is a literal.
class LayerClock {
 public:
  LayerClock(std::string_view layer, std::string_view part);
  ~LayerClock();
  LayerClock(const LayerClock&) = delete;
  LayerClock& operator=(const LayerClock&) = delete;

  /// Whether anybody will read it: work has to be done, then, before it ends.
  bool runs() const { return profile_ != nullptr; }

 private:
  Profile* profile_;
  std::string_view layer_;
  std::string_view part_;
  Profile::Clock::time_point begin_;
};

/// Books the time since the previous lap on this thread under `operation`, a literal, when there is a
/// Profile.
void lap(Phase phase, std::string_view operation);

}  // namespace satsuma

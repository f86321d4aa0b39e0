#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace satsuma::train {

/// What is shown while an epoch is under way.
struct ProgressState {
  std::int64_t epoch = 0;  ///< counted from 1
  std::int64_t epochs = 0;
  std::int64_t batch = 0;
  std::int64_t batches = 0;  ///< in an epoch
  double loss = 0;
  double accuracy = 0;
  double images_per_second = 0;
  double seconds_left = 0;
};

/// `0.4s`, `12s`, `3m05s`, `2h07m`.
std::string format_duration(double seconds);

/// Shows how training goes: a live bar on a terminal, a plain line now and then in a pipe or file. What
/// cannot be written there is dropped, and training goes on.
class Progress {
 public:
  enum class Style : std::uint8_t { quiet, plain, live, live_colour };
  /// Live on a terminal that can move its cursor; colours unless NO_COLOR is set (https://no-color.org);
  /// quiet on request.
  static Style style_for(std::FILE* stream, bool quiet);

  /// `pause` is the least time between two plain lines; the bar is drawn ten times a second.
  Progress(std::FILE* stream, Style style, std::chrono::milliseconds pause = std::chrono::seconds(5));
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void update(const ProgressState& state);
  /// The same for other work, `done` of `all` pieces, 0 where that is not known: `eval  batches 12/200  ETA
  /// 1m05s`.
  void update(std::string_view work, std::string_view pieces, std::int64_t done, std::int64_t all);
  /// A line that stays.
  void say(std::string_view line);

 private:
  /// A bar of `done` of `all`, or a plain line, where it is time for one.
  void show(std::string_view head, std::string_view pieces, std::int64_t done, std::int64_t all,
            std::string_view measures);
  bool due() const;
  void clear_bar();

  std::FILE* stream_;
  Style style_;
  std::chrono::milliseconds pause_;
  std::string work_;  ///< of the last update(), with when and where it began
  std::chrono::steady_clock::time_point begin_;
  std::int64_t begun_at_ = 0;
  std::int64_t done_ = 0;
  std::chrono::steady_clock::time_point next_;
  bool bar_shown_ = false;
};

}  // namespace satsuma::train

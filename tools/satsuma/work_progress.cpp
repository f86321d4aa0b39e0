#include "tools/satsuma/work_progress.hpp"

#include <fmt/format.h>

#include <utility>

#include "src/core/message.hpp"

namespace satsuma::tools {

namespace {
constexpr std::chrono::milliseconds kPauseOnTerminal{100};
constexpr std::chrono::milliseconds kPauseInPipe{5000};
}  // namespace

WorkProgress::WorkProgress(Words words, std::int64_t all, bool quiet)
    : words_(std::move(words)),
      all_(all),
      style_(train::Progress::style_for(stderr, quiet)),
      begun_(std::chrono::steady_clock::now()),
      next_(begun_ + (style_ == train::Progress::Style::plain ? kPauseInPipe : kPauseOnTerminal)) {}

WorkProgress::~WorkProgress() {
  if (shown_) write_or_drop(stderr, "\r\x1b[K");
}

void WorkProgress::update(std::int64_t done) {
  using Style = train::Progress::Style;
  if (first_ < 0) first_ = done;
  const auto now = std::chrono::steady_clock::now();
  if (style_ == Style::quiet || now < next_) return;
  const bool plain = style_ == Style::plain;
  next_ = now + (plain ? kPauseInPipe : kPauseOnTerminal);
  std::string line = words_(done, all_);
  if (all_ > done && done > first_) {
    const double seconds = std::chrono::duration<double>(now - begun_).count();
    line += ", " +
            train::format_duration(seconds * static_cast<double>(all_ - done) /
                                   static_cast<double>(done - first_)) +
            " left";
  }
  if (plain) return say("{}", line);
  write_or_drop(stderr, "\r\x1b[K" + line);
  shown_ = true;
}

}  // namespace satsuma::tools

#include "satsuma/train/progress.hpp"

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "src/core/message.hpp"

namespace satsuma::train {

namespace {

constexpr std::chrono::milliseconds kRedraw{100};
constexpr std::size_t kWidestBar = 30;
constexpr std::size_t kNarrowestBar = 6;

std::size_t terminal_width(std::FILE* stream) {
  winsize size{};
  const bool known = ::ioctl(::fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

std::string measures(const ProgressState& state) {
  return fmt::format("loss {:.4f}  accuracy {:.1f} %  {:.0f} images/s  ETA {}", state.loss,
                     100 * state.accuracy, state.images_per_second,
                     format_duration(std::round(state.seconds_left)));
}

std::string bar(std::int64_t done, std::int64_t all, std::size_t width) {
  const auto pieces = static_cast<std::size_t>(std::max<std::int64_t>(all, 1));
  const std::size_t filled = std::min(width * static_cast<std::size_t>(done) / pieces, width);
  return std::string(filled, '#') + std::string(width - filled, '.');
}

bool is_set(const char* variable) {
  const char* const value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

}  // namespace

std::string format_duration(double seconds) {
  if (!std::isfinite(seconds)) return "?";
  if (seconds < 5e-4) return "0s";
  if (seconds < 9.95) return fmt::format("{:.2g}s", seconds);
  const auto whole = static_cast<std::int64_t>(std::clamp(std::round(seconds), 0.0, 1e12));
  if (whole < 60) return fmt::format("{}s", whole);
  if (whole < 3600) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  return fmt::format("{}h{:02}m", whole / 3600, whole / 60 % 60);
}

Progress::Style Progress::style_for(std::FILE* stream, bool quiet) {
  if (quiet) return Style::quiet;
  const char* const terminal = std::getenv("TERM");
  const bool dumb = terminal == nullptr || std::string_view(terminal) == "dumb";
  if (::isatty(::fileno(stream)) == 0 || dumb) return Style::plain;
  return is_set("NO_COLOR") ? Style::live : Style::live_colour;
}

Progress::Progress(std::FILE* stream, Style style, std::chrono::milliseconds pause)
    : stream_(stream), style_(style), pause_(pause), begin_(std::chrono::steady_clock::now()), next_(begin_) {
  if (style_ == Style::plain) next_ += pause_;
}

Progress::~Progress() {
  clear_bar();
}

void Progress::clear_bar() {
  if (!bar_shown_) return;
  write_or_drop(stream_, "\r\x1b[K");
  bar_shown_ = false;
}

bool Progress::due() const {
  return style_ != Style::quiet && std::chrono::steady_clock::now() >= next_;
}

void Progress::update(const ProgressState& state) {
  // Other work that follows begins anew.
  work_ = "training";
  if (!due()) return;
  show(fmt::format("epoch {}/{}", state.epoch, state.epochs), "step", state.batch, state.batches,
       measures(state));
}

void Progress::update(std::string_view work, std::string_view pieces, std::int64_t done, std::int64_t all) {
  if (work != work_ || done < done_) {
    // The first work began with this object, its first piece with it.
    if (!work_.empty()) begin_ = std::chrono::steady_clock::now();
    begun_at_ = work_.empty() ? 0 : done;
    work_ = work;
  }
  done_ = done;
  if (!due()) return;
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin_;
  const std::int64_t made = done - begun_at_;
  const double left = made > 0 ? taken.count() * static_cast<double>(all - done) / static_cast<double>(made)
                               : std::numeric_limits<double>::quiet_NaN();
  show(work, pieces, done, all, all > 0 ? fmt::format("ETA {}", format_duration(std::round(left))) : "");
}

void Progress::show(std::string_view head, std::string_view pieces, std::int64_t done, std::int64_t all,
                    std::string_view measures) {
  const auto now = std::chrono::steady_clock::now();
  if (style_ == Style::plain) {
    next_ = now + pause_;
    write_or_drop(stream_, all > 0 ? fmt::format("{}  {} {}/{}  {}\n", head, pieces, done, all, measures)
                                   : fmt::format("{}  {} {}\n", head, pieces, done));
    return;
  }
  next_ = now + kRedraw;
  const std::string before = fmt::format("{} [", head);
  const std::string behind = fmt::format("] {}", measures);
  const std::size_t width = terminal_width(stream_) - 1;
  const std::size_t text = before.size() + behind.size();
  const std::size_t room = width > text ? width - text : 0;
  const std::string drawn = bar(done, all, std::min(room, kWidestBar));
  if (all == 0) {
    write_or_drop(stream_, "\r\x1b[K" + fmt::format("{}  {} {}", head, pieces, done).substr(0, width));
  } else if (room < kNarrowestBar) {
    write_or_drop(stream_, "\r\x1b[K" + fmt::format("{}  {}", head, measures).substr(0, width));
  } else if (style_ == Style::live_colour) {
    write_or_drop(stream_, fmt::format("\r\x1b[K{}\x1b[32m{}\x1b[0m{}", before, drawn, behind));
  } else {
    write_or_drop(stream_, fmt::format("\r\x1b[K{}{}{}", before, drawn, behind));
  }
  bar_shown_ = true;
}

void Progress::say(std::string_view line) {
  if (style_ == Style::quiet) return;
  clear_bar();
  write_or_drop(stream_, fmt::format("{}\n", line));
}

}  // namespace satsuma::train

#include "satsuma/train/progress.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

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
                     100 * state.accuracy, state.images_per_second, format_duration(state.seconds_left));
}

std::string bar(const ProgressState& state, std::size_t width) {
  const auto batches = static_cast<std::size_t>(std::max<std::int64_t>(state.batches, 1));
  const std::size_t done = std::min(width * static_cast<std::size_t>(state.batch) / batches, width);
  return std::string(done, '#') + std::string(width - done, '.');
}

bool is_set(const char* variable) {
  const char* const value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

}  // namespace

std::string format_duration(double seconds) {
  if (!std::isfinite(seconds)) return "?";
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
    : stream_(stream), style_(style), pause_(pause), next_(std::chrono::steady_clock::now()) {
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

bool Progress::is_time() {
  const auto now = std::chrono::steady_clock::now();
  if (style_ == Style::quiet || now < next_) return false;
  next_ = now + (style_ == Style::plain ? pause_ : kRedraw);
  return true;
}

void Progress::count(std::string_view work, std::int64_t done, std::int64_t all, std::string_view unit) {
  if (!is_time()) return;
  const std::string text = fmt::format("{}  {}/{} {}", work, done, all, unit);
  if (style_ == Style::plain) {
    write_or_drop(stream_, text + "\n");
  } else {
    write_or_drop(stream_, "\r\x1b[K" + text.substr(0, terminal_width(stream_) - 1));
    bar_shown_ = true;
  }
}

void Progress::update(const ProgressState& state) {
  if (!is_time()) return;
  const std::string epoch = fmt::format("epoch {}/{}", state.epoch, state.epochs);
  if (style_ == Style::plain) {
    write_or_drop(stream_,
                  fmt::format("{}  step {}/{}  {}\n", epoch, state.batch, state.batches, measures(state)));
  } else {
    const std::string head = epoch + " [";
    const std::string tail = "] " + measures(state);
    const std::size_t width = terminal_width(stream_) - 1;
    const std::size_t text = head.size() + tail.size();
    const std::size_t room = width > text ? width - text : 0;
    const std::string drawn = bar(state, std::min(room, kWidestBar));
    if (room < kNarrowestBar) {
      write_or_drop(stream_, "\r\x1b[K" + (epoch + "  " + measures(state)).substr(0, width));
    } else if (style_ == Style::live_colour) {
      write_or_drop(stream_, fmt::format("\r\x1b[K{}\x1b[32m{}\x1b[0m{}", head, drawn, tail));
    } else {
      write_or_drop(stream_, fmt::format("\r\x1b[K{}{}{}", head, drawn, tail));
    }
    bar_shown_ = true;
  }
}

void Progress::say(std::string_view line) {
  if (style_ == Style::quiet) return;
  clear_bar();
  write_or_drop(stream_, fmt::format("{}\n", line));
}

}  // namespace satsuma::train

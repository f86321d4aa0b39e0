#include "satsuma/train/progress.hpp"

#include <fcntl.h>
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "train/support.hpp"

namespace satsuma::train {

using namespace testing;

namespace {

/// What a Progress of a style writes for three updates and a line.
std::string output_of(Progress::Style style) {
  const TemporaryDirectory directory;
  const std::string path = (directory / "out").string();
  std::FILE* const file = std::fopen(path.c_str(), "w");
  REQUIRE(file != nullptr);
  {
    Progress progress(file, style, std::chrono::milliseconds(0));
    ProgressState state{2, 3, 0, 40, 0.51234, 0.881, 1234.4, 133};
    for (int i = 0; i < 3; ++i) {
      state.batch += 10;
      progress.update(state);
    }
    progress.say("a line that stays");
  }
  std::fclose(file);
  return read_file(path);
}

bool has_control(const std::string& text) {
  return std::any_of(text.begin(), text.end(),
                     [](unsigned char c) { return (c < 0x20 && c != '\n') || c == 0x7f; });
}

}  // namespace

TEST_CASE("in a pipe there are plain lines without control characters") {
  const std::string text = output_of(Progress::Style::plain);
  CHECK_FALSE(has_control(text));
  CHECK(contains(text, "epoch 2/3  step 10/40  loss 0.5123  accuracy 88.1 %  1234 images/s  ETA 2m13s\n"));
  CHECK(std::count(text.begin(), text.end(), '\n') == 4);
}

TEST_CASE("a terminal shows a bar that the next line replaces") {
  const std::string text = output_of(Progress::Style::live);
  CHECK(contains(text, "\r\x1b[Kepoch 2/3"));
  CHECK(contains(text, "\r\x1b[Ka line that stays\n"));
  CHECK_FALSE(contains(text, "\x1b[32m"));
  CHECK(std::count(text.begin(), text.end(), '\n') == 1);
  CHECK(contains(output_of(Progress::Style::live_colour), "\r\x1b[K"));
}

TEST_CASE("work without epochs is counted, with what is left where its end is known") {
  const TemporaryDirectory directory;
  const std::string path = (directory / "out").string();
  for (const auto style : {Progress::Style::plain, Progress::Style::live}) {
    std::FILE* const file = std::fopen(path.c_str(), "w");
    REQUIRE(file != nullptr);
    {
      Progress progress(file, style, std::chrono::milliseconds(0));
      progress.update("eval", "batches", 0, 8);
      progress.update("eval", "batches", 4, 8);
      progress.update("devices test", "checks", 12, 0);
    }
    std::fclose(file);
    const std::string text = read_file(path);
    const bool plain = style == Progress::Style::plain;
    CHECK(has_control(text) != plain);
    if (plain) {
      CHECK(contains(text, "eval  batches 0/8  ETA ?\n"));
      CHECK(contains(text, "eval  batches 4/8  ETA 0s\n"));
      CHECK(contains(text, "devices test  checks 12\n"));
    } else {
      CHECK(contains(text, "\r\x1b[Keval [...."));
    }
  }
}

TEST_CASE("quiet says nothing") {
  CHECK(output_of(Progress::Style::quiet).empty());
}

TEST_CASE("the style follows the stream and the wish") {
  std::FILE* const file = std::tmpfile();
  CHECK(Progress::style_for(file, false) == Progress::Style::plain);
  CHECK(Progress::style_for(file, true) == Progress::Style::quiet);
  std::fclose(file);

  // A terminal of our own: posix_openpt gives the other end of one.
  const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY);
  if (terminal < 0 || ::isatty(terminal) == 0) return;
  std::FILE* const stream = ::fdopen(terminal, "w");
  ::setenv("TERM", "xterm", 1);
  ::unsetenv("NO_COLOR");
  CHECK(Progress::style_for(stream, false) == Progress::Style::live_colour);
  ::setenv("NO_COLOR", "1", 1);
  CHECK(Progress::style_for(stream, false) == Progress::Style::live);
  ::setenv("TERM", "dumb", 1);
  CHECK(Progress::style_for(stream, false) == Progress::Style::plain);
  ::unsetenv("NO_COLOR");
  std::fclose(stream);
}

TEST_CASE("durations are short") {
  CHECK(format_duration(0) == "0s");
  CHECK(format_duration(0.043) == "0.043s");
  CHECK(format_duration(9.94) == "9.9s");
  CHECK(format_duration(9.96) == "10s");
  CHECK(format_duration(59.4) == "59s");
  CHECK(format_duration(185) == "3m05s");
  CHECK(format_duration(7620) == "2h07m");
  CHECK(format_duration(std::numeric_limits<double>::quiet_NaN()) == "?");
  CHECK(format_duration(std::numeric_limits<double>::infinity()) == "?");
}

}  // namespace satsuma::train

#include "satsuma/sparse/pattern.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "satsuma/core/error.hpp"

namespace satsuma {

namespace {

constexpr int kMaxGroup = 64;

/// Reads a whole number without sign; false when `text` is anything else or does not fit.
bool read_number(std::string_view text, int& number) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return !text.empty() && text.front() != '-' && error == std::errc{} && stop == end;
}

}  // namespace

Pattern Pattern::parse(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::size_t times = std::min(text.find('x'), text.size());
  Pattern pattern;
  if (colon > times || !read_number(text.substr(0, colon), pattern.n) ||
      !read_number(text.substr(colon + 1, times - colon - 1), pattern.m) ||
      (times < text.size() && !read_number(text.substr(times + 1), pattern.shared))) {
    throw UsageError(fmt::format(
        "pattern '{}' is not N:M; expected two whole numbers, 1 <= N <= M <= 64, as in 2:8, and xV behind "
        "them where V rows share their positions, as in 2:8x2",
        text));
  }
  validate(pattern);
  return pattern;
}

void validate(Pattern pattern) {
  const auto refuse = [&](std::string_view why) {
    throw UsageError(
        fmt::format("pattern '{}' {}; expected 1 <= N <= M <= 64, as in 2:8", to_string(pattern), why));
  };
  if (pattern.m < 1) refuse("has groups of no elements");
  if (pattern.m > kMaxGroup) refuse("has groups of more than 64 elements");
  if (pattern.n < 1) refuse("keeps nothing");
  if (pattern.n > pattern.m) refuse("keeps more elements than a group has");
  const int v = pattern.shared;
  if (v != 1 && v != 2 && v != 4 && v != 8 && v != 16) {
    throw UsageError(fmt::format("pattern '{}' has positions shared by {} rows, expected 1, 2, 4, 8 or 16",
                                 to_string(pattern), v));
  }
}

std::string to_string(Pattern pattern) {
  const std::string nm = fmt::format("{}:{}", pattern.n, pattern.m);
  return pattern.shared == 1 ? nm : fmt::format("{}x{}", nm, pattern.shared);
}

std::int64_t kept_in_group(Pattern pattern, std::int64_t length) {
  return (pattern.n * length + pattern.m - 1) / pattern.m;
}

std::int64_t kept_along(Pattern pattern, std::int64_t length) {
  return length / pattern.m * pattern.n + kept_in_group(pattern, length % pattern.m);
}

}  // namespace satsuma

#include "src/core/nesting.hpp"

#include <algorithm>
#include <cstddef>
#include <string>

namespace satsuma {

namespace {

constexpr int kDeepest = 64;
constexpr int kMostParts = 32;

/// Behind the string that begins at `at`, or the end of the text. One of TOML's literal strings has no
/// escapes.
std::size_t behind_string(std::string_view text, std::size_t at) {
  const char quote = text[at];
  for (++at; at < text.size(); ++at) {
    if (text[at] == '\\' && quote == '"') {
      ++at;
    } else if (text[at] == quote) {
      return at + 1;
    }
  }
  return text.size();
}

/// The same for TOML, whose strings may be long ones, of three quotes: those may end in two more.
std::size_t behind_toml_string(std::string_view text, std::size_t at) {
  const std::string end(3, text[at]);
  if (text.substr(at, 3) != end) return behind_string(text, at);
  for (at += 3; at < text.size(); ++at) {
    if (text[at] == '\\' && end[0] == '"') {
      ++at;
    } else if (text.substr(at, 3) == end) {
      const std::size_t last = text.find_first_not_of(end[0], at + 3);
      return std::min({at + 5, last, text.size()});
    }
  }
  return text.size();
}

}  // namespace

bool nests_too_deep(std::string_view json) {
  int depth = 0;
  for (std::size_t at = 0; at < json.size() && depth <= kDeepest;) {
    const char c = json[at];
    if (c == '[' || c == '{') ++depth;
    if (c == ']' || c == '}') --depth;
    at = c == '"' ? behind_string(json, at) : at + 1;
  }
  return depth > kDeepest;
}

bool has_long_keys(std::string_view toml) {
  constexpr std::string_view kEnds = "\n=,[{";
  int parts = 0;
  for (std::size_t at = 0; at < toml.size() && parts <= kMostParts;) {
    const char c = toml[at];
    if (c == '.') ++parts;
    if (kEnds.find(c) != std::string_view::npos) parts = 0;
    if (c == '#') {
      at = std::min(toml.find('\n', at), toml.size());
    } else {
      at = c == '"' || c == '\'' ? behind_toml_string(toml, at) : at + 1;
    }
  }
  return parts > kMostParts;
}

}  // namespace satsuma

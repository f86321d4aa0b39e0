#include "src/opencl/build_log.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <regex>
#include <sstream>

namespace satsuma::opencl {

namespace {

/// The number of the line that an error is in: `<kernel>:84:14: error: ...` (Clang and what is made of it,
/// where Intel's compilers have `1:84:14:` and PoCL `error: /tmp/x.cl:84:14: ...`), `"x.cl", line 84: error`
/// or `(84)`.
std::optional<std::size_t> line_number(const std::string& error) {
  static const std::regex kForms[] = {
      std::regex(R"((\d{1,9}):\d+: *(?:fatal )?error)"),
      std::regex(R"(:(\d{1,9}):\d+:)"),
      std::regex(R"(\bline (\d{1,9})\b)"),
      std::regex(R"(\((\d{1,9})(?:,\d+)?\))"),
      std::regex(R"(:(\d{1,9}):)"),
  };
  for (const std::regex& form : kForms) {
    std::smatch match;
    if (!std::regex_search(error, match, form)) continue;
    return static_cast<std::size_t>(std::stoul(match[1]));
  }
  return {};
}

/// Line `number` of a text, from 1, without the blanks around it; nothing where there is none.
std::string_view line_of(std::string_view text, std::size_t number) {
  for (std::size_t line = 1; !text.empty(); ++line) {
    std::string_view first = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(first.size() + 1, text.size()));
    if (line < number) continue;
    const std::size_t begin = first.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos) return {};
    return first.substr(begin, first.find_last_not_of(" \t\r") - begin + 1);
  }
  return {};
}

}  // namespace

std::string build_error(const std::string& log, std::string_view source) {
  std::istringstream lines(log);
  std::string line, error, first;
  while (std::getline(lines, line)) {
    if (first.empty()) first = line;
    if (line.find("error") == std::string::npos) continue;
    if (error.empty()) error = line;
    const auto number = line_number(line);
    const std::string_view culprit = number ? line_of(source, *number) : std::string_view();
    if (!culprit.empty()) return fmt::format("{}; line {} is `{}`", line, *number, culprit);
  }
  if (error.empty()) error = first;
  return error.empty() ? "the compiler said nothing" : error;
}

}  // namespace satsuma::opencl

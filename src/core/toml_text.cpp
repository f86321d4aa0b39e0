#include "src/core/toml_text.hpp"

#include <fmt/core.h>

#include <filesystem>
#include <sstream>

#include "satsuma/core/error.hpp"
#include "src/core/nesting.hpp"
#include "src/core/utf8.hpp"
#include "src/core/whole_file.hpp"

namespace satsuma {

namespace {

// No recipe, configuration, schedule or topology is as large: a lying file must not fill the memory.
constexpr std::uintmax_t kLargestFile = std::uintmax_t{64} << 20;

}  // namespace

std::string_view type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a number";
    case toml::node_type::boolean:
      return "a switch";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::table:
      return "a table";
    default:
      return "a date or time";
  }
}

void refuse(std::string_view source, const toml::node& node, std::string_view what) {
  throw FormatError(fmt::format("{}, line {}: {}", source, node.source().begin.line, what));
}

toml::table parse_toml(std::string_view text, std::string_view source) {
  if (has_long_keys(text)) throw FormatError(fmt::format("{}: it has a key of over 32 parts", source));
  try {
    return toml::parse(text, source);
  } catch (const toml::parse_error& error) {
    throw FormatError(fmt::format("{}, line {}: {}", source, error.source().begin.line, error.description()));
  }
}

std::string read_text(const std::string& path, std::string_view kind) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    throw IoError(
        fmt::format("cannot read {} {}: {}", kind, path, error ? error.message() : "it is no regular file"));
  }
  std::string text = read_whole_file(path, error, kLargestFile);
  if (error) {
    throw IoError(
        fmt::format("cannot read {} {}: {}", kind, path,
                    error == std::errc::file_too_large ? "it has more than 64 MiB" : error.message()));
  }
  return text;
}

std::string quoted(const std::string& text) {
  if (!is_utf8(text)) {
    throw UsageError(fmt::format("got '{}', expected UTF-8, which is all that TOML holds", shown(text)));
  }
  std::ostringstream out;
  out << toml::value<std::string>(text);
  return out.str();
}

}  // namespace satsuma

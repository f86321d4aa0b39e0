#pragma once

#include <string>
#include <string_view>

#include <toml++/toml.h>

namespace satsuma {

/// `a string`, `a whole number`, ...: what a value is, for messages.
std::string_view type_name(const toml::node& node);

/// Throws FormatError `SOURCE, line N: WHAT`.
[[noreturn]] void refuse(std::string_view source, const toml::node& node, std::string_view what);

/// The document. Throws FormatError naming source and line.
toml::table parse_toml(std::string_view text, std::string_view source);

/// The whole file. Throws IoError that says what kind of file could not be read.
std::string read_text(const std::string& path, std::string_view kind);

/// `text` in quotes, as TOML writes it. Throws UsageError on text that is no UTF-8.
std::string quoted(const std::string& text);

}  // namespace satsuma

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace satsuma {

/// True for text that TOML and JSON can hold: RFC 3629, without surrogates and overlong forms.
bool is_utf8(std::string_view text);

/// Text from a file or a command line as a message shows it: at most `most` bytes, with everything that could
/// play tricks on a terminal, and bytes above 127 where they are no UTF-8, as `\xff`.
std::string shown(std::string_view text, std::size_t most = 80);
/// A path as a message shows it: the same, but whole.
inline std::string shown_path(std::string_view path) {
  return shown(path, std::string_view::npos);
}

}  // namespace satsuma

#pragma once

#include <string>
#include <string_view>

namespace satsuma {

/// True for text that TOML and JSON can hold: RFC 3629, without surrogates and overlong forms.
bool is_utf8(std::string_view text);

/// Text from a file or a command line as a message shows it: at most 80 bytes, with everything that could
/// play tricks on a terminal, and bytes above 127 where they are no UTF-8, as `\xff`.
std::string shown(std::string_view text);

}  // namespace satsuma

#include "src/core/utf8.hpp"

#include <fmt/core.h>

#include <cstdint>

namespace satsuma {

namespace {

/// Bytes that follow the first one of a character; -1 for one that begins none.
int bytes_after(std::uint8_t first) {
  if (first < 0x80) return 0;
  if (first >= 0xc2 && first < 0xe0) return 1;
  if (first >= 0xe0 && first < 0xf0) return 2;
  return first >= 0xf0 && first < 0xf5 ? 3 : -1;
}

}  // namespace

bool is_utf8(std::string_view text) {
  constexpr std::uint32_t kLeast[] = {0, 0x80, 0x800, 0x10000};
  while (!text.empty()) {
    const auto first = static_cast<std::uint8_t>(text.front());
    const int more = bytes_after(first);
    if (more < 0 || text.size() <= static_cast<std::size_t>(more)) return false;
    std::uint32_t character = more == 0 ? first : first & (0x3fU >> more);
    for (int i = 1; i <= more; ++i) {
      const auto next = static_cast<std::uint8_t>(text[static_cast<std::size_t>(i)]);
      if ((next & 0xc0U) != 0x80) return false;
      character = (character << 6U) | (next & 0x3fU);
    }
    const bool surrogate = character >= 0xd800 && character < 0xe000;
    if (character < kLeast[more] || character > 0x10ffff || surrogate) return false;
    text.remove_prefix(static_cast<std::size_t>(more) + 1);
  }
  return true;
}

std::string shown(std::string_view text, std::size_t most) {
  const std::string_view part = text.substr(0, most);
  const bool escape_high = !is_utf8(text);
  std::string result;
  for (const char c : part) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (byte < 0x20 || byte == 0x7f || (byte > 0x7f && escape_high)) {
      result += fmt::format("\\x{:02x}", byte);
    } else {
      result += c;
    }
  }
  return text.size() > most ? result + "..." : result;
}

}  // namespace satsuma

#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace satsuma {

/// What a setting holds. A list holds texts.
enum class SettingKind : std::uint8_t { text, number, whole_number, yes_or_no, list };

/// A value of a structure `Owner` that has a name, with which it is set at the command line and in a TOML
/// file: what it means, what it may be and where it is kept, said once. Tables of these describe a structure
/// (train::recipe_fields(), sat::config_keys()).
template <typename Owner>
struct Setting {
  std::string_view key;
  std::string_view help;
  std::variant<std::string Owner::*, double Owner::*, std::int64_t Owner::*, bool Owner::*,
               std::optional<double> Owner::*, std::optional<std::int64_t> Owner::*,
               std::vector<std::string> Owner::*>
      member;
  /// Numbers: the closed range. A text with a finite `most`: how many printable characters it has.
  double least = -std::numeric_limits<double>::infinity();
  double most = std::numeric_limits<double>::infinity();
  std::string_view absent = {};  ///< of optional numbers: the word that stands for none, `all` or `auto`

  SettingKind kind() const;
  bool is_switch() const { return kind() == SettingKind::yes_or_no; }
  bool is_number() const { return kind() == SettingKind::number || kind() == SettingKind::whole_number; }
  bool is_list() const { return kind() == SettingKind::list; }
  bool is_optional() const { return !absent.empty(); }

  /// `a whole number from 1 to 1024`.
  std::string allowed() const;
  /// The value that `owner` holds, as it would be typed.
  std::string text(const Owner& owner) const;
  /// Reads a value as it is typed; a list grows by one. Throws UsageError: `shown` (the setting as the user
  /// knows it), what was typed, what is allowed.
  void read(Owner& owner, std::string_view typed, std::string_view shown) const;
  /// Empties a list; an optional number is not given then.
  void clear(Owner& owner) const;
};

}  // namespace satsuma

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace satsuma::optim {

/// A length of training as it is typed: `500` steps, `5ep` epochs, or `0.2`, a share of all steps (a number
/// up to 1 is a share).
struct Span {
  enum class Unit : std::uint8_t { steps, epochs, share };

  double value = 0;
  Unit unit = Unit::share;

  /// Throws UsageError: `option`, what was typed, what is expected.
  static Span parse(std::string_view option, std::string_view text);
  /// Several, separated by commas, which rise as long as their units are the same.
  static std::vector<Span> parse_list(std::string_view option, std::string_view text);

  /// In steps; a share of them may be no whole number.
  double steps(std::int64_t total_steps, std::int64_t steps_per_epoch) const;
};

}  // namespace satsuma::optim

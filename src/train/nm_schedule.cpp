#include "satsuma/train/nm_schedule.hpp"

#include <fmt/core.h>

#include <charconv>

#include "satsuma/core/error.hpp"

namespace satsuma::train {

Pattern parse_dense_or_pattern(std::string_view text) {
  return text == "dense" ? Pattern() : Pattern::parse(text);
}

std::string dense_or_pattern(Pattern pattern) {
  return pattern.dense() ? "dense" : to_string(pattern);
}

NmSchedule NmSchedule::parse(std::string_view text) {
  const auto refuse = [&](std::string_view why) {
    throw UsageError(
        fmt::format("--nm-schedule got '{}': {}; expected stages that rise from 0, for example "
                    "'dense@0,4:8@0.2,2:8@0.5'",
                    text, why));
  };
  NmSchedule schedule;
  std::string_view rest = text;
  for (;;) {
    const std::size_t comma = rest.find(',');
    const std::string_view stage = rest.substr(0, comma);
    const std::size_t at = stage.find('@');
    if (at == std::string_view::npos) refuse(fmt::format("'{}' has no @SHARE", stage));
    double begin = -1;
    const std::string_view share = stage.substr(at + 1);
    const char* const end = share.data() + share.size();
    const auto [stop, error] = std::from_chars(share.data(), end, begin);
    // The comparison is written so that NaN fails.
    if (error != std::errc{} || stop != end || !(begin >= 0 && begin < 1))
      refuse(fmt::format("'{}' is no share of training from 0 to below 1", share));
    if (schedule.stages_.empty() ? begin != 0 : begin <= schedule.stages_.back().begin)
      refuse(fmt::format("the share {} does not rise from 0", share));
    schedule.stages_.push_back({begin, parse_dense_or_pattern(stage.substr(0, at))});
    if (comma == std::string_view::npos) return schedule;
    rest.remove_prefix(comma + 1);
  }
}

std::vector<Pattern> NmSchedule::patterns() const {
  std::vector<Pattern> patterns;
  for (const Stage& stage : stages_) patterns.push_back(stage.pattern);
  return patterns;
}

Pattern NmSchedule::at(double share) const {
  Pattern pattern = stages_.front().pattern;
  for (const Stage& stage : stages_) {
    if (stage.begin <= share) pattern = stage.pattern;
  }
  return pattern;
}

}  // namespace satsuma::train

#include "src/data/normalise.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "satsuma/core/error.hpp"

namespace satsuma::data {

namespace {

/// Value of channel `c`. Values that are all the same hold for any number of channels.
double channel_value(const std::vector<double>& values, std::int64_t channels, std::int64_t c,
                     const char* what) {
  if (static_cast<std::int64_t>(values.size()) == channels) return values[static_cast<std::size_t>(c)];
  if (values.empty() ||
      std::any_of(values.begin(), values.end(), [&](double v) { return v != values.front(); })) {
    throw UsageError(
        fmt::format("[loader] got {} values of normalisation {} for images of {} channels, expected one a "
                    "channel",
                    values.size(), what, channels));
  }
  return values.front();
}

}  // namespace

std::vector<float> normalisation_table(const Normalisation& normalisation, std::int64_t channels) {
  if (normalisation.pad < 0)
    throw UsageError(fmt::format("[loader] got {} pixels of padding, expected 0 or more", normalisation.pad));
  std::vector<float> table;
  table.reserve(static_cast<std::size_t>(channels) * 256);
  for (std::int64_t c = 0; c < channels; ++c) {
    const double mean = channel_value(normalisation.mean, channels, c, "mean");
    const double std = channel_value(normalisation.std, channels, c, "std");
    if (!(std > 0) || !std::isfinite(mean)) {
      throw UsageError(fmt::format("[loader] cannot normalise by mean {} and std {}", mean, std));
    }
    for (int byte = 0; byte < 256; ++byte) table.push_back(static_cast<float>((byte / 255.0 - mean) / std));
  }
  return table;
}

}  // namespace satsuma::data

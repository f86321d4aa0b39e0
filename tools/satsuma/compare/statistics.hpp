#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace satsuma::tools::compare {

double mean(const std::vector<double>& values);
/// Of a sample: sqrt(sum (x - mean)^2 / (n - 1)); empty for fewer than two.
std::optional<double> deviation(const std::vector<double>& values);

/// A mean, and how far from it the truth lies in 95 of 100 cases.
struct Interval {
  double mean = 0;
  std::optional<double> half;  ///< t(0.975, n - 1) * deviation / sqrt(n); empty for fewer than two
  std::size_t count = 0;

  double low() const { return mean - half.value_or(0); }
  double high() const { return mean + half.value_or(0); }
  /// Zero lies outside.
  bool differs() const { return half && (low() > 0 || high() < 0); }
};
Interval interval(const std::vector<double>& differences);

/// Student's t: its share 0.975 with `freedom` degrees of freedom, at least 1.
double student_t(std::size_t freedom);

}  // namespace satsuma::tools::compare

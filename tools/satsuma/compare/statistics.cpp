#include "tools/satsuma/compare/statistics.hpp"

#include <array>
#include <cmath>
#include <numeric>

namespace satsuma::tools::compare {

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::optional<double> deviation(const std::vector<double>& values) {
  if (values.size() < 2) return std::nullopt;
  const double centre = mean(values);
  double sum = 0;
  for (const double value : values) sum += (value - centre) * (value - centre);
  return std::sqrt(sum / static_cast<double>(values.size() - 1));
}

Interval interval(const std::vector<double>& differences) {
  Interval result;
  result.count = differences.size();
  if (differences.empty()) return result;
  result.mean = mean(differences);
  if (const auto spread = deviation(differences)) {
    const auto count = static_cast<double>(differences.size());
    result.half = student_t(differences.size() - 1) * *spread / std::sqrt(count);
  }
  return result;
}

double student_t(std::size_t freedom) {
  // Any table of the distribution has these.
  constexpr std::array kTable = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
                                 2.201,  2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086};
  if (freedom <= kTable.size()) return kTable[freedom - 1];
  // Cornish and Fisher's expansion around the normal distribution's 1.96; three digits hold from here on.
  constexpr double kNormal = 1.959964;
  const auto n = static_cast<double>(freedom);
  const double third = (std::pow(kNormal, 3) + kNormal) / (4 * n);
  const double fifth = (5 * std::pow(kNormal, 5) + 16 * std::pow(kNormal, 3) + 3 * kNormal) / (96 * n * n);
  return kNormal + third + fifth;
}

}  // namespace satsuma::tools::compare

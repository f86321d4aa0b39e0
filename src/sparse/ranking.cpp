#include "src/sparse/ranking.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace satsuma {

namespace {

bool ranks_above(double a, double b) {
  if (std::isnan(b)) return false;
  return std::isnan(a) || a > b;
}

}  // namespace

std::vector<std::int64_t> kept_positions(const std::vector<double>& magnitudes, std::int64_t count) {
  std::vector<std::int64_t> order(magnitudes.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    return ranks_above(magnitudes[static_cast<std::size_t>(a)], magnitudes[static_cast<std::size_t>(b)]);
  });
  order.resize(static_cast<std::size_t>(count));
  std::sort(order.begin(), order.end());
  return order;
}

}  // namespace satsuma

#include <algorithm>
#include <cmath>
#include <vector>

#include "models/vit.hpp"

namespace satsuma::models {

namespace {

/// Keys' cubic convolution with a = -0.5.
double cubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

/// Inputs that one output is a sum of, and their shares.
struct Taps {
  std::int64_t first;
  std::vector<double> shares;
};

/// Taps of each of `outputs` points between `inputs` points of the same extent.
std::vector<Taps> taps_of(std::int64_t inputs, std::int64_t outputs) {
  const double step = static_cast<double>(inputs) / static_cast<double>(outputs);
  const double stretch = std::max(step, 1.0);
  const double support = 2 * stretch;
  std::vector<Taps> all;
  for (std::int64_t i = 0; i < outputs; ++i) {
    const double centre = step * (static_cast<double>(i) + 0.5);
    const auto first = std::max<std::int64_t>(static_cast<std::int64_t>(centre - support + 0.5), 0);
    const auto last = std::min(static_cast<std::int64_t>(centre + support + 0.5), inputs);
    Taps taps{first, {}};
    double sum = 0;
    for (std::int64_t j = first; j < last; ++j) {
      taps.shares.push_back(cubic((static_cast<double>(j) - centre + 0.5) / stretch));
      sum += taps.shares.back();
    }
    for (double& share : taps.shares) share /= sum;
    all.push_back(std::move(taps));
  }
  return all;
}

/// Resamples the middle axis of values [outer][inputs][inner].
std::vector<double> resampled(const std::vector<double>& values, std::int64_t inputs, std::int64_t outputs,
                              std::int64_t inner) {
  const std::int64_t outer = static_cast<std::int64_t>(values.size()) / (inputs * inner);
  const std::vector<Taps> taps = taps_of(inputs, outputs);
  std::vector<double> result(static_cast<std::size_t>(outer * outputs * inner), 0.0);
  for (std::int64_t o = 0; o < outer; ++o) {
    for (std::int64_t i = 0; i < outputs; ++i) {
      const Taps& of = taps[static_cast<std::size_t>(i)];
      double* const to = result.data() + (o * outputs + i) * inner;
      for (std::size_t t = 0; t < of.shares.size(); ++t) {
        const double* const from =
            values.data() + (o * inputs + of.first + static_cast<std::int64_t>(t)) * inner;
        for (std::int64_t d = 0; d < inner; ++d) to[d] += of.shares[t] * from[d];
      }
    }
  }
  return result;
}

}  // namespace

Tensor resample_positions(const Tensor& positions, std::int64_t height, std::int64_t width) {
  if (positions.rank() != 3 || positions.dim(0) != 1 || positions.dim(1) < 2) return {};
  const std::int64_t patches = positions.dim(1) - 1;
  const auto side = static_cast<std::int64_t>(std::lround(std::sqrt(static_cast<double>(patches))));
  if (side * side != patches) return {};
  const std::int64_t features = positions.dim(2);
  const std::vector<double> values = positions.to_vector<double>();
  std::vector<double> grid(values.begin() + features, values.end());
  grid = resampled(grid, side, width, features);
  grid = resampled(grid, side, height, width * features);
  std::vector<float> result(values.begin(), values.begin() + features);
  result.insert(result.end(), grid.begin(), grid.end());
  return Tensor::from(result, {1, 1 + height * width, features});
}

}  // namespace satsuma::models

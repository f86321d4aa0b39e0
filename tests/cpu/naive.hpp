#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "satsuma/core/tensor.hpp"
#include "satsuma/device/geometry.hpp"

namespace satsuma::testing {

/// A convolution and the images it is given.
struct Layer {
  Geometry geometry;
  Shape x;
};

/// Calls `visit(x index, w index, y index)`, into row-major x, weight and y, for each multiply-add of a
/// convolution over images that is not on padding.
template <typename F>
void for_each_product(const Geometry& g, const Shape& x, const Shape& y, F&& visit) {
  const Shape w = g.weight_shape();
  for (std::int64_t n = 0; n < x[0]; ++n) {
    for (std::int64_t k = 0; k < w[0]; ++k) {
      for (std::int64_t p = 0; p < y[2]; ++p) {
        for (std::int64_t q = 0; q < y[3]; ++q) {
          for (std::int64_t r = 0; r < w[2]; ++r) {
            const std::int64_t h = p * g.stride[0] - g.padding[0] + r * g.dilation[0];
            if (h < 0 || h >= x[2]) continue;
            for (std::int64_t s = 0; s < w[3]; ++s) {
              const std::int64_t column = q * g.stride[1] - g.padding[1] + s * g.dilation[1];
              if (column < 0 || column >= x[3]) continue;
              for (std::int64_t c = 0; c < w[1]; ++c) {
                visit(static_cast<std::size_t>(((n * x[1] + c) * x[2] + h) * x[3] + column),
                      static_cast<std::size_t>(((k * w[1] + c) * w[2] + r) * w[3] + s),
                      static_cast<std::size_t>(((n * y[1] + k) * y[2] + p) * y[3] + q));
              }
            }
          }
        }
      }
    }
  }
}

/// The largest |got - sum| over `tolerance` times the sum of the magnitudes of its terms, plus `tolerance`:
/// at most one where f32 sums are as exact as they can be. NaN where anything is not finite.
struct Sums {
  std::vector<double> sums, magnitudes;

  explicit Sums(std::int64_t count)
      : sums(static_cast<std::size_t>(count)), magnitudes(static_cast<std::size_t>(count)) {}

  void add(std::size_t at, double a, double b) {
    sums[at] += a * b;
    magnitudes[at] += std::abs(a * b);
  }

  double error(const Tensor& got, double tolerance) const {
    const auto values = got.to_vector<double>();
    double worst = values.size() == sums.size() ? 0 : INFINITY;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double error = std::abs(values[i] - sums[i]) / (tolerance * (magnitudes[i] + 1));
      if (!(error <= worst)) worst = error;
    }
    return worst;
  }
};

}  // namespace satsuma::testing

#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "satsuma/core/parallel.hpp"
#include "satsuma/device/matmul_device.hpp"

namespace satsuma::testing {

/// As little as a device in tree has to be: a name, a line, a product.
class TinyDevice : public MatmulDevice {
 public:
  std::string_view name() const override { return "tiny"; }
  std::string description() const override { return "a product in plain loops"; }

 protected:
  void matmul(const MatrixProduct& p) override {
    parallel_for(p.rows, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) multiply_row(p, row);
    });
  }

 private:
  /// Each row of C is a sum of some rows of B, those that the kept weights of the row of A stand for.
  static void multiply_row(const MatrixProduct& p, std::int64_t row) {
    float* const c = p.c + row * p.columns;
    std::fill_n(c, p.columns, 0.0F);
    std::int64_t at = row * p.segments * p.kept;
    for (std::int64_t segment = 0; segment < p.segments; ++segment) {
      for (std::int64_t j = 0; j < p.kept; ++j, ++at) {
        const std::int64_t channel = p.indices ? j / p.pattern.n * p.pattern.m + p.indices[at] : j;
        const float* const b = p.b + (segment * p.length + channel) * p.columns;
        for (std::int64_t i = 0; i < p.columns; ++i) c[i] += p.a[at] * b[i];
      }
    }
  }
};

}  // namespace satsuma::testing

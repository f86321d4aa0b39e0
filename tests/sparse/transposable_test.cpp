#include "satsuma/sparse/transposable.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "satsuma/core/error.hpp"
#include "satsuma/core/rng.hpp"
#include "support/random_tensor.hpp"

namespace satsuma {

namespace {

using testing::random_tensor;

std::vector<double> random_magnitudes(Rng& rng, int m, bool ties) {
  std::vector<double> magnitudes(static_cast<std::size_t>(m * m));
  for (double& value : magnitudes) value = ties ? static_cast<double>(rng.below(4)) : rng.uniform();
  return magnitudes;
}

double sum_of_kept(const std::vector<double>& magnitudes, const std::vector<std::uint8_t>& mask) {
  double sum = 0;
  for (std::size_t i = 0; i < mask.size(); ++i) sum += mask[i] != 0 ? magnitudes[i] : 0;
  return sum;
}

/// Every mask of a 4 x 4 block, one row of bits after another.
double best_of_all(const std::vector<double>& magnitudes, int n) {
  double best = -1;
  for (unsigned bits = 0; bits < 1U << 16; ++bits) {
    bool regular = true;
    for (unsigned i = 0; i < 4 && regular; ++i) {
      int row = 0, column = 0;
      for (unsigned j = 0; j < 4; ++j) {
        row += (bits >> (4 * i + j)) & 1U;
        column += (bits >> (4 * j + i)) & 1U;
      }
      regular = row == n && column == n;
    }
    if (!regular) continue;
    double sum = 0;
    for (unsigned i = 0; i < 16; ++i) sum += (bits >> i) & 1U ? magnitudes[i] : 0;
    best = std::max(best, sum);
  }
  return best;
}

void check_regular(const std::vector<std::uint8_t>& mask, int m, int n) {
  for (int i = 0; i < m; ++i) {
    int row = 0, column = 0;
    for (int j = 0; j < m; ++j) {
      row += mask[static_cast<std::size_t>(i * m + j)];
      column += mask[static_cast<std::size_t>(j * m + i)];
    }
    CHECK(row == n);
    CHECK(column == n);
  }
}

}  // namespace

TEST_CASE("the mask of a block is the best that there is") {
  Rng rng(3);
  for (int n = 1; n <= 4; ++n) {
    for (int trial = 0; trial < 12; ++trial) {
      CAPTURE(n);
      CAPTURE(trial);
      const std::vector<double> magnitudes = random_magnitudes(rng, 4, trial % 2 == 1);
      const std::vector<std::uint8_t> mask = transposable_mask(magnitudes, {n, 4});
      check_regular(mask, 4, n);
      // Sixteen sums of doubles near one, in another order.
      CHECK(sum_of_kept(magnitudes, mask) == doctest::Approx(best_of_all(magnitudes, n)).epsilon(1e-12));
    }
  }
}

TEST_CASE("no exchange of two rows makes a larger mask better") {
  Rng rng(4);
  for (const Pattern pattern : {Pattern{2, 8}, {4, 8}, {1, 8}, {4, 16}, {2, 16}, {3, 7}}) {
    CAPTURE(to_string(pattern));
    const auto m = static_cast<std::size_t>(pattern.m);
    for (int trial = 0; trial < 20; ++trial) {
      const std::vector<double> w = random_magnitudes(rng, pattern.m, trial % 4 == 3);
      const std::vector<std::uint8_t> mask = transposable_mask(w, pattern);
      check_regular(mask, pattern.m, pattern.n);
      for (std::size_t a = 0; a < m; ++a) {
        for (std::size_t b = 0; b < m; ++b) {
          for (std::size_t c = 0; c < m; ++c) {
            for (std::size_t d = 0; d < m; ++d) {
              if (mask[a * m + c] == 0 || mask[b * m + d] == 0 || mask[a * m + d] != 0 ||
                  mask[b * m + c] != 0)
                continue;
              CHECK(w[a * m + c] + w[b * m + d] >= w[a * m + d] + w[b * m + c] - 1e-12);
            }
          }
        }
      }
    }
  }
}

TEST_CASE("both packed forms of a transposable weight keep the same elements, N:M along either axis") {
  for (const Pattern pattern : {Pattern{2, 8}, {4, 8}, {2, 4}, {4, 16}}) {
    CAPTURE(to_string(pattern));
    const Tensor weight = random_tensor({32, 16, 3, 2}, 7, DType::f32, MemoryFormat::channels_last);
    const TransposableWeight both = compress_transposable(weight, pattern);
    check_positions(both.ff);
    check_positions(both.bp);
    const std::vector<float> kept = expand(both.ff).to_vector<float>();
    CHECK(kept == expand(both.bp).to_vector<float>());
    const std::vector<float> dense = weight.to_vector<float>();
    std::int64_t count = 0;
    for (std::size_t i = 0; i < kept.size(); ++i) {
      if (kept[i] == 0) continue;
      CHECK(kept[i] == dense[i]);
      ++count;
    }
    CHECK(count == weight.numel() / pattern.m * pattern.n);
    CHECK(both.ff.values.numel() == count);
    CHECK(both.bp.values.numel() == count);
  }
}

TEST_CASE("weights that are not finite are kept, and what has no whole blocks is refused") {
  Tensor weight = random_tensor({8, 8, 1, 1}, 1, DType::f32, MemoryFormat::channels_last);
  weight.data<float>()[10] = std::numeric_limits<float>::quiet_NaN();
  weight.data<float>()[41] = -std::numeric_limits<float>::infinity();
  const std::vector<float> kept = expand(compress_transposable(weight, {1, 8}).ff).to_vector<float>();
  CHECK(std::isnan(kept[10]));
  CHECK(std::isinf(kept[41]));
  CHECK_THROWS_AS(compress_transposable(random_tensor({8, 12, 1, 1}, 1), {2, 8}), ShapeError);
  CHECK_THROWS_AS(compress_transposable(random_tensor({8, 8}, 1), {2, 8}), ShapeError);
  CHECK_THROWS_AS(compress_transposable(weight, {2, 8, 2}), UsageError);
  CHECK_THROWS_AS(transposable_mask(std::vector<double>(63), {2, 8}), ShapeError);
}

}  // namespace satsuma

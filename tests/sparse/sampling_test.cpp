#include "satsuma/sparse/sampling.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/core/parallel.hpp"
#include "satsuma/core/rng.hpp"
#include "support/random_tensor.hpp"

namespace satsuma {

namespace {

using testing::random_tensor;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr int kDraws = 10000;

/// min(1, c * s_i) that add up to `kept`, or to the number of non-zeros where these are fewer: by bisection.
std::vector<double> inclusion_probabilities(const std::vector<float>& values, int kept) {
  const auto non_zeros =
      values.size() - static_cast<std::size_t>(std::count(values.begin(), values.end(), 0.0F));
  const double wanted = std::min<double>(kept, static_cast<double>(non_zeros));
  const auto at = [&](double c) {
    std::vector<double> p;
    for (const float value : values) p.push_back(std::min(1.0, c * std::abs(static_cast<double>(value))));
    return p;
  };
  double low = 0;
  double high = 1e30;
  for (int i = 0; i < 400; ++i) {
    const double middle = i < 200 ? std::sqrt(std::max(low, 1e-30) * high) : (low + high) / 2;
    const auto p = at(middle);
    (std::accumulate(p.begin(), p.end(), 0.0) < wanted ? low : high) = middle;
  }
  return at(high);
}

std::vector<SampledElement> draw(const std::vector<float>& values, int kept, float uniform) {
  std::vector<SampledElement> slots(static_cast<std::size_t>(kept));
  sample_group({values.data(), 1}, static_cast<int>(values.size()), kept, uniform, slots.data());
  return slots;
}

/// [row][slot] of two rows or more that share positions.
std::vector<SampledElement> draw_shared(const std::vector<float>& values, int rows, int kept, float uniform) {
  std::vector<SampledElement> slots(static_cast<std::size_t>(rows * kept));
  const int length = static_cast<int>(values.size()) / rows;
  const SampledRows group{values.data(), 1, length, rows, rows > 2 ? 16 : 2};
  sample_group(group, length, kept, uniform, slots.data());
  return slots;
}

std::vector<float> normal_values(std::size_t count, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<float> values(count);
  for (float& value : values) value = rng.normal();
  return values;
}

/// 10,000 draws of one group: each element's mean and frequency within its standard error (five of them: 2e-6
/// of all such checks would fail by chance, and draws are the same each time), and N distinct ones kept.
void check_unbiased(const std::vector<float>& values, int kept) {
  const std::vector<double> p = inclusion_probabilities(values, kept);
  std::vector<double> sum(values.size());
  std::vector<double> hits(values.size());
  int wrong_draws = 0;
  for (int i = 0; i < kDraws; ++i) {
    const SampleKey key{7, static_cast<std::uint64_t>(i), 3};
    std::set<int> positions;
    for (const SampledElement& slot : draw(values, kept, sample_uniform(sample_line(key.word(), 5), 11))) {
      if (slot.value == 0) continue;
      sum[static_cast<std::size_t>(slot.position)] += static_cast<double>(slot.value);
      hits[static_cast<std::size_t>(slot.position)] += 1;
      positions.insert(slot.position);
    }
    const auto non_zeros =
        values.size() - static_cast<std::size_t>(std::count(values.begin(), values.end(), 0.0F));
    wrong_draws += positions.size() != std::min(static_cast<std::size_t>(kept), non_zeros);
  }
  CHECK(wrong_draws == 0);
  for (std::size_t i = 0; i < values.size(); ++i) {
    CAPTURE(i);
    const double v = static_cast<double>(values[i]);
    const double deviation = std::sqrt(p[i] * (1 - p[i]) / kDraws);
    CHECK(std::abs(hits[i] / kDraws - p[i]) <= 5 * deviation + 1e-6);
    const double standard_error = v == 0 ? 0 : std::abs(v) / p[i] * deviation;
    CHECK(std::abs(sum[i] / kDraws - v) <= 5 * standard_error + 2e-6 * std::abs(v));
  }
}

}  // namespace

TEST_CASE("sampling a group is unbiased and keeps exactly N") {
  for (const Pattern pattern : {Pattern{1, 4}, Pattern{2, 4}, Pattern{1, 8}, Pattern{2, 8}, Pattern{4, 8},
                                Pattern{2, 16}, Pattern{8, 16}}) {
    CAPTURE(to_string(pattern));
    const auto m = static_cast<std::size_t>(pattern.m);
    for (std::uint64_t seed = 0; seed < 4; ++seed) check_unbiased(normal_values(m, seed), pattern.n);
    // Short groups, zeros, a huge value, a tiny one, equal ones.
    for (std::size_t length = 1; length < m; ++length) {
      CAPTURE(length);
      check_unbiased(normal_values(length, length),
                     static_cast<int>(kept_in_group(pattern, static_cast<std::int64_t>(length))));
    }
    for (std::size_t zeros = 1; zeros <= m; ++zeros) {
      CAPTURE(zeros);
      std::vector<float> values = normal_values(m, zeros);
      for (std::size_t i = 0; i < zeros; ++i) values[(i * 3 + 1) % m] = 0;
      check_unbiased(values, pattern.n);
    }
    std::vector<float> values = normal_values(m, 9);
    values[m / 2] = -3e30F;
    check_unbiased(values, pattern.n);
    values[m / 2] = 1e-3F;
    check_unbiased(values, pattern.n);
    check_unbiased(std::vector<float>(m, -2.5F), pattern.n);
  }
}

TEST_CASE("sampling rows that share positions is unbiased in each of them") {
  for (const int rows : {1, 2, 16}) {
    for (const auto& counts : {std::pair(2, 8), std::pair(1, 4), std::pair(4, 8), std::pair(1, 3)}) {
      const int kept = counts.first, length = counts.second;
      CAPTURE(rows);
      CAPTURE(kept);
      CAPTURE(length);
      std::vector<float> values =
          normal_values(static_cast<std::size_t>(rows * length), static_cast<std::uint64_t>(rows));
      values[0] = 0;
      if (length == 8) values[3] = 40;
      std::vector<float> sizes(static_cast<std::size_t>(length));
      for (std::size_t i = 0; i < values.size(); ++i) sizes[i % sizes.size()] += std::abs(values[i]);
      const std::vector<double> p = inclusion_probabilities(sizes, kept);
      std::vector<double> sum(values.size());
      int wrong_draws = 0;
      for (int i = 0; i < kDraws; ++i) {
        const SampleKey key{7, static_cast<std::uint64_t>(i), 3};
        const auto slots = draw_shared(values, rows, kept, sample_uniform(sample_line(key.word(), 5), 11));
        std::set<int> positions;
        for (std::size_t j = 0; j < slots.size(); ++j) {
          const SampledElement& slot = slots[j];
          const std::size_t row = j / static_cast<std::size_t>(kept);
          wrong_draws += slot.position != slots[j % static_cast<std::size_t>(kept)].position;
          sum[row * sizes.size() + static_cast<std::size_t>(slot.position)] +=
              static_cast<double>(slot.value);
          positions.insert(slot.position);
        }
        wrong_draws += positions.size() != static_cast<std::size_t>(kept);
      }
      CHECK(wrong_draws == 0);
      for (std::size_t i = 0; i < values.size(); ++i) {
        CAPTURE(i);
        const double chance = p[i % sizes.size()];
        const double v = static_cast<double>(values[i]);
        const double standard_error =
            v == 0 ? 0 : std::abs(v) / chance * std::sqrt(chance * (1 - chance) / kDraws);
        CHECK(std::abs(sum[i] / kDraws - v) <= 5 * standard_error + 2e-6 * std::abs(v));
      }
    }
  }
}

TEST_CASE("sampling two of a group is the closed form") {
  // The largest is below half of the sum: both kept values are half of it.
  for (const float u : {0.0F, 0.3F, 0.999F}) {
    for (const SampledElement& slot : draw({1, -2, 3, -2}, 2, u)) CHECK(std::abs(slot.value) == 4);
  }
  // Otherwise it stays, and one of the others stands for their sum.
  const auto slots = draw({1, -10, 0, -2}, 2, 0.5F);
  CHECK(slots[0].value == -10);
  CHECK(slots[0].position == 1);
  CHECK(slots[1].value == -3);
  CHECK(slots[1].position == 3);
  CHECK(draw({1, -10, 0, -2}, 2, 0.3F)[1].value == 3);
  CHECK(draw({1, -10, 0, -2}, 2, 0.3F)[1].position == 0);
}

TEST_CASE("what is not finite survives sampling") {
  for (const Pattern pattern : {Pattern{1, 4}, Pattern{2, 8}, Pattern{4, 8}, Pattern{2, 16}}) {
    CAPTURE(to_string(pattern));
    for (const float bad : {kInf, -kInf, kNan}) {
      for (int count = 1; count <= pattern.m; ++count) {
        std::vector<float> values = normal_values(static_cast<std::size_t>(pattern.m), 1);
        for (int i = 0; i < count; ++i) values[static_cast<std::size_t>(i * 3 % pattern.m)] = bad;
        for (const float u : {0.0F, 0.5F, 0.99F}) {
          int not_finite = 0;
          for (const SampledElement& slot : draw(values, pattern.n, u)) {
            not_finite += !std::isfinite(slot.value);
            CHECK(slot.position >= 0);
            CHECK(slot.position < pattern.m);
          }
          CHECK(not_finite >= std::min(count, pattern.n));
        }
      }
    }
  }
}

TEST_CASE("uniform numbers of groups are even and independent") {
  constexpr int kCount = 20000;
  std::array<int, 16> bins{};
  std::array<double, 4> products{};
  const auto uniform = [](std::uint64_t step, std::uint64_t layer, std::uint64_t line,
                          std::uint32_t channel) {
    return static_cast<double>(sample_uniform(sample_line(SampleKey{1, step, layer}.word(), line), channel));
  };
  for (int i = 0; i < kCount; ++i) {
    const auto place = static_cast<std::uint64_t>(i);
    const auto channel = static_cast<std::uint32_t>(i % 64);
    const double u = uniform(0, 0, place / 64, channel);
    REQUIRE(u >= 0);
    REQUIRE(u < 1);
    ++bins[static_cast<std::size_t>(u * 16)];
    const double neighbours[4] = {uniform(0, 0, place / 64, channel + 1),
                                  uniform(0, 0, place / 64 + 1, channel), uniform(1, 0, place / 64, channel),
                                  uniform(0, 1, place / 64, channel)};
    for (std::size_t j = 0; j < 4; ++j) products[j] += (u - 0.5) * (neighbours[j] - 0.5);
  }
  double chi_square = 0;
  for (const int count : bins) chi_square += std::pow(count - kCount / 16.0, 2) / (kCount / 16.0);
  CHECK(chi_square < 44);  // 15 degrees of freedom: one in ten thousand is above
  // A product's deviation is 1/12.
  for (const double product : products) CHECK(std::abs(product) < 4 * std::sqrt(kCount) / 12);
  // So that every device draws the same.
  CHECK(SampleKey{1, 2, 3}.word() == 0x6ae515c1c0ac7e37ULL);
  CHECK(sample_line(SampleKey{1, 2, 3}.word(), 4) == 0xebf8925eb818f960ULL);
  CHECK(sample_uniform(sample_line(SampleKey{1, 2, 3}.word(), 4), 5) == 12755722 * 0x1p-24F);
  // A share of a batch goes on where the one before it ends.
  CHECK(sample_line(SampleKey{1, 2, 3, 1}.word(), 3) == 0xebf8925eb818f960ULL);
}

TEST_CASE("a sampled gradient") {
  for (const std::int64_t images : {1, 5, 16, 21, 40}) {
    for (const Pattern pattern :
         {Pattern{2, 8}, Pattern{2, 3}, Pattern{4, 32}, Pattern{2, 8, 2}, Pattern{2, 8, 8}}) {
      CAPTURE(images);
      CAPTURE(to_string(pattern));
      const Tensor dy = random_tensor({images, 5, 3, 2}, 3, DType::f32, MemoryFormat::batch_blocked);
      const SampledGradient sampled = sample_along_images(dy, pattern, {1, 2, 3});
      CHECK(sampled.values.shape() == Shape{(images + 15) / 16, 3, 2, 5, kept_along(pattern, 16)});
      CHECK(sampled.images.dim(3) == (5 + pattern.shared - 1) / pattern.shared);
      const auto dense = expand(sampled).to_vector<float>();
      const auto all = dy.to_vector<float>();
      REQUIRE(dense.size() == all.size());
      const std::size_t row = 5 * 3 * 2;
      for (std::size_t place = 0; place < row; ++place) {
        for (std::int64_t block = 0; block < images; block += 16) {
          std::int64_t kept = 0;
          for (std::int64_t n = block; n < std::min(block + 16, images); ++n) {
            const float value = dense[static_cast<std::size_t>(n) * row + place];
            kept += value != 0;
            CHECK(value * all[static_cast<std::size_t>(n) * row + place] >= 0);
          }
          CHECK(kept == kept_along(pattern, std::min<std::int64_t>(16, images - block)));
        }
      }
      // Neither layout nor threads make a difference, the step does.
      const int before = threads();
      set_threads(3);
      const SampledGradient again =
          sample_along_images(dy.to(MemoryFormat::channels_last), pattern, {1, 2, 3});
      set_threads(before);
      CHECK(again.values.to_vector<float>() == sampled.values.to_vector<float>());
      CHECK(again.images.to_vector<int>() == sampled.images.to_vector<int>());
      if (images == 1) continue;  // which is kept
      CHECK(sample_along_images(dy, pattern, {1, 3, 3}).images.to_vector<int>() !=
            sampled.images.to_vector<int>());
    }
  }
}

TEST_CASE("sampling refuses what is no gradient") {
  CHECK_THROWS_AS(sample_along_images(Tensor::zeros({4, 4}), {2, 4}, {}), ShapeError);
  CHECK_THROWS_AS(sample_along_images(Tensor::zeros({4, 4, 1, 1}, DType::f64), {2, 4}, {}), ShapeError);
  CHECK_THROWS_AS(sample_along_images(Tensor::zeros({4, 4, 1, 1}), {2, 0}, {}), UsageError);
}

}  // namespace satsuma

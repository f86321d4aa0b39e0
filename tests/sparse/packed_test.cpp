#include "satsuma/sparse/packed.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "satsuma/core/error.hpp"
#include "support/random_tensor.hpp"

namespace satsuma {

namespace {

using testing::random_tensor;

/// A weight [1, C, 1, 1].
Tensor row(const std::vector<float>& values) {
  return Tensor::from(values, {1, static_cast<std::int64_t>(values.size()), 1, 1});
}

}  // namespace

TEST_CASE("groups keep their largest magnitudes") {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInf = std::numeric_limits<float>::infinity();
  struct Case {
    const char* what;
    Pattern pattern;
    std::vector<float> weight;
    std::vector<float> values;
    std::vector<std::uint8_t> indices;
  };
  const Case cases[] = {
      {"by hand", {2, 4}, {1, -3, 2, 0.5F, 0, 4, -5, 1}, {-3, 2, 4, -5}, {1, 2, 1, 2}},
      {"magnitude, not value", {1, 2}, {-2, 1, 3, -4}, {-2, -4}, {0, 1}},
      {"ties keep the lower index", {2, 4}, {1, -1, 1, 1, 2, 3, -3, 3}, {1, -1, 3, -3}, {0, 1, 1, 2}},
      {"all zeros keep the first", {2, 4}, {0, 0, 0, 0}, {0, 0}, {0, 1}},
      {"a zero fills up", {2, 4}, {0, 0, 0, 7}, {0, 7}, {0, 3}},
      {"a short last group", {2, 4}, {1, 2, 3, 4, 5, 6, 7}, {3, 4, 6, 7}, {2, 3, 1, 2}},
      {"a short group of one", {2, 4}, {1, 2, 3, 4, 5}, {3, 4, 5}, {2, 3, 0}},
      {"an axis shorter than a group", {1, 8}, {1, -2, 1}, {-2}, {1}},
      {"nothing pruned", {3, 3}, {3, 1, 2}, {3, 1, 2}, {0, 1, 2}},
      {"infinity is large", {1, 4}, {1e30F, -kInf, 1, 2}, {-kInf}, {1}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.what);
    const PackedWeight packed = compress_reference(row(c.weight), GroupAxis::input_channels, c.pattern);
    CHECK(packed.values.to_vector<float>() == c.values);
    CHECK(packed.indices.to_vector<std::uint8_t>() == c.indices);
    CHECK(packed.kept() == static_cast<std::int64_t>(c.values.size()));
  }

  const PackedWeight packed = compress_reference(row({kInf, 1, kNan, 2}), GroupAxis::input_channels, {1, 4});
  CHECK(std::isnan(packed.values.to_vector<float>().front()));
  CHECK(packed.indices.to_vector<std::uint8_t>() == std::vector<std::uint8_t>{2});
}

TEST_CASE("rows that share positions keep the largest sums of squares") {
  // Rows 0 and 1: 9 + 0, 4 + 4, 1 + 16, 0 + 25. Row 2 is alone.
  const Tensor weight = Tensor::from<float>({3, 2, 1, 0, 0, -2, 4, -5, 1, 2, -3, 2}, {3, 4, 1, 1});
  const PackedWeight packed = compress_reference(weight, GroupAxis::input_channels, {2, 4, 2});
  CHECK(packed.values.to_vector<float>() == std::vector<float>{1, 0, 4, -5, 2, -3});
  CHECK(packed.indices.shape() == Shape{2, 1, 1, 2});
  CHECK(packed.indices.to_vector<std::uint8_t>() == std::vector<std::uint8_t>{2, 3, 1, 2});
  CHECK(row_indices(packed).to_vector<std::uint8_t>() == std::vector<std::uint8_t>{2, 3, 2, 3, 1, 2});
  CHECK(expand(packed).to_vector<float>() == std::vector<float>{0, 0, 1, 0, 0, 0, 4, -5, 0, 2, -3, 0});
  CHECK(mask_of(weight, GroupAxis::input_channels, {2, 4, 2}).to_vector<float>() ==
        std::vector<float>{0, 0, 1, 1, 0, 0, 1, 1, 0, 1, 1, 0});
  // Of equal sums the lower positions.
  const Tensor equal = Tensor::from<float>({1, 2, 2, 1}, {2, 2, 1, 1});
  CHECK(compress_reference(equal, GroupAxis::input_channels, {1, 2, 2}).indices.to_vector<std::uint8_t>() ==
        std::vector<std::uint8_t>{0});
}

TEST_CASE("with shared positions every row is N:M, and no other choice keeps more squares") {
  for (const int shared : {2, 4, 8, 16}) {
    for (const GroupAxis axis : {GroupAxis::input_channels, GroupAxis::output_channels}) {
      CAPTURE(shared);
      const Pattern pattern{2, 8, shared};
      const Shape shape = {37, 29, 1, 2};
      const Tensor weight = random_tensor(shape, static_cast<std::uint64_t>(shared), DType::f32);
      const PackedWeight packed = compress_reference(weight, axis, pattern);
      check_positions(packed);
      const int along = axis == GroupAxis::input_channels ? 1 : 0;
      CHECK(packed.indices.dim(0) == (shape[1 - along] + shared - 1) / shared);
      const auto w = weight.to_vector<double>();
      const auto m = mask_of(weight, axis, pattern).to_vector<double>();
      const auto e = expand(packed).to_vector<double>();
      const auto at = [&](std::int64_t line, std::int64_t i, std::int64_t s) {
        const std::int64_t k = along == 1 ? line : i;
        const std::int64_t c = along == 1 ? i : line;
        return static_cast<std::size_t>((k * shape[1] + c) * shape[3] + s);
      };
      int wrong = 0;
      for (std::int64_t s = 0; s < shape[3]; ++s) {
        for (std::int64_t set = 0; set < shape[1 - along]; set += shared) {
          const std::int64_t end_line = std::min<std::int64_t>(set + shared, shape[1 - along]);
          for (std::int64_t first = 0; first < shape[along]; first += 8) {
            const std::int64_t end = std::min<std::int64_t>(first + 8, shape[along]);
            double least_kept = std::numeric_limits<double>::infinity();
            double most_pruned = 0;
            std::int64_t count = 0;
            for (std::int64_t i = first; i < end; ++i) {
              double sum = 0;
              for (std::int64_t line = set; line < end_line; ++line) {
                sum += w[at(line, i, s)] * w[at(line, i, s)];
                wrong += m[at(line, i, s)] != m[at(set, i, s)];
                wrong += e[at(line, i, s)] != w[at(line, i, s)] * m[at(line, i, s)];
              }
              if (m[at(set, i, s)] == 1) {
                ++count;
                least_kept = std::min(least_kept, sum);
              } else {
                most_pruned = std::max(most_pruned, sum);
              }
            }
            // Sums of f32 squares: sixteen roundings at most.
            wrong += count != kept_in_group(pattern, end - first) || most_pruned > least_kept * (1 + 2e-6);
          }
        }
      }
      CHECK(wrong == 0);
    }
  }
}

TEST_CASE("groups run along the axis that is asked for") {
  // W[k][c], 2:4 would keep different elements along k than along c.
  const Tensor weight = Tensor::from<float>({1, 2, 8, 7, 3, 4, 6, 5}, {4, 2, 1, 1});
  const PackedWeight bp = compress_reference(weight, GroupAxis::output_channels, {2, 4});
  CHECK(bp.rows() == 2);
  CHECK(bp.values.to_vector<float>() == std::vector<float>{8, 6, 7, 5});
  CHECK(bp.indices.to_vector<std::uint8_t>() == std::vector<std::uint8_t>{1, 3, 1, 3});
  const PackedWeight ff = compress_reference(weight, GroupAxis::input_channels, {1, 2});
  CHECK(ff.rows() == 4);
  CHECK(ff.values.to_vector<float>() == std::vector<float>{2, 8, 4, 6});
}

TEST_CASE("packing agrees with the mask for all patterns, axes, layouts and ragged sizes") {
  const Pattern patterns[] = {{1, 2},  {2, 4},  {1, 4},  {4, 8}, {2, 8}, {1, 8},
                              {4, 16}, {2, 16}, {1, 16}, {3, 7}, {5, 64}};
  const Shape shapes[] = {{16, 32, 3, 3}, {5, 19, 1, 2}, {33, 7, 2, 1}, {1, 1, 1, 1}, {64, 65, 1, 1}};
  std::uint64_t seed = 1;
  for (const Pattern pattern : patterns) {
    for (const Shape& shape : shapes) {
      for (const GroupAxis axis : {GroupAxis::input_channels, GroupAxis::output_channels}) {
        for (const DType dtype : {DType::f32, DType::f64}) {
          CAPTURE(to_string(pattern));
          CAPTURE(to_string(shape));
          const MemoryFormat format = seed % 2 ? MemoryFormat::channels_last : MemoryFormat::row_major;
          const Tensor weight = random_tensor(shape, seed++, dtype, format);
          const PackedWeight packed = compress_reference(weight, axis, pattern);
          const Tensor mask = mask_of(weight, axis, pattern);
          CHECK(mask.layout() == weight.layout());

          // expand(compress(w)) is w * mask, bit for bit.
          const auto w = weight.to_vector<double>();
          const auto m = mask.to_vector<double>();
          const auto e = expand(packed).to_vector<double>();
          std::int64_t differing = 0;
          double kept = 0;
          for (std::size_t i = 0; i < w.size(); ++i) {
            differing += e[i] != w[i] * m[i];
            kept += m[i];
          }
          CHECK(differing == 0);
          const int along = axis == GroupAxis::input_channels ? 1 : 0;
          const std::int64_t rows = weight.numel() / shape[along];
          CHECK(kept == static_cast<double>(rows * kept_along(pattern, shape[along])));

          // No pruned element is larger than a kept one of its group, and no group keeps more than it may.
          std::int64_t wrong_groups = 0;
          for (std::int64_t r = 0; r < shape[2]; ++r) {
            for (std::int64_t s = 0; s < shape[3]; ++s) {
              for (std::int64_t line = 0; line < shape[1 - along]; ++line) {
                for (std::int64_t first = 0; first < shape[along]; first += pattern.m) {
                  const std::int64_t end = std::min<std::int64_t>(first + pattern.m, shape[along]);
                  double least_kept = std::numeric_limits<double>::infinity();
                  double most_pruned = 0;
                  std::int64_t count = 0;
                  for (std::int64_t i = first; i < end; ++i) {
                    const std::int64_t k = along == 1 ? line : i;
                    const std::int64_t c = along == 1 ? i : line;
                    const auto at =
                        static_cast<std::size_t>(((k * shape[1] + c) * shape[2] + r) * shape[3] + s);
                    if (m[at] == 1) {
                      ++count;
                      least_kept = std::min(least_kept, std::abs(w[at]));
                    } else {
                      most_pruned = std::max(most_pruned, std::abs(w[at]));
                    }
                  }
                  wrong_groups += count != kept_in_group(pattern, end - first) || most_pruned > least_kept;
                }
              }
            }
          }
          CHECK(wrong_groups == 0);
        }
      }
    }
  }
}

TEST_CASE("packing refuses what is no weight") {
  const Tensor matrix = Tensor::zeros({4, 4});
  CHECK_THROWS_AS(compress_reference(matrix, GroupAxis::input_channels, {2, 4}), ShapeError);
  CHECK_THROWS_AS(mask_of(matrix, GroupAxis::input_channels, {2, 4}), ShapeError);
  const Tensor bytes = Tensor::zeros({4, 4, 1, 1}, DType::u8);
  CHECK_THROWS_AS(compress_reference(bytes, GroupAxis::input_channels, {2, 4}), ShapeError);
  CHECK_THROWS_AS(compress_reference(Tensor::zeros({4, 4, 1, 1}), GroupAxis::input_channels, {2, 0}),
                  UsageError);
}

}  // namespace satsuma

#pragma once

#include "src/ops/kernels/kernels.hpp"
#include "src/ops/kernels/vector.hpp"

namespace satsuma::kernels {

/// Products of small matrices of lanes. A tile of the result stays in registers; each vector loaded serves a
/// row or a column of it.
template <int Width, typename T>
struct Product {
  using Size = std::int64_t;
  using R = Register<Width, T>;
  using Vector = typename R::Vector;

  /// Square of accumulators: 16 of 32 registers, 9 of 16.
  static constexpr int kTile = Width == 64 ? 4 : 3;

  template <int kRows, int kColumns>
  static void tile(Size k, LaneMatrix<const T> a, LaneMatrix<const T> b, LaneMatrix<T> c, T factor,
                   bool accumulate) {
    for (int part = 0; part < kLanes; part += R::kCount) {
      Vector sums[kRows][kColumns] = {};
      const T* left = a.data + part;
      const T* right = b.data + part;
      for (Size x = 0; x < k; ++x, left += a.column, right += b.column) {
        Vector columns[kColumns];
        for (int j = 0; j < kColumns; ++j) columns[j] = R::load(right + j * b.row);
        for (int i = 0; i < kRows; ++i) {
          const Vector row = R::load(left + i * a.row);
          for (int j = 0; j < kColumns; ++j) sums[i][j] += row * columns[j];
        }
      }
      for (int i = 0; i < kRows; ++i) {
        for (int j = 0; j < kColumns; ++j) {
          T* const to = c.data + part + i * c.row + j * c.column;
          const Vector value = sums[i][j] * factor;
          R::store(to, accumulate ? R::load(to) + value : value);
        }
      }
    }
  }

  template <int kRows>
  static void strip(Size n, Size k, LaneMatrix<const T> a, LaneMatrix<const T> b, LaneMatrix<T> c, T factor,
                    bool accumulate) {
    Size j = 0;
    for (; j + kTile <= n; j += kTile) {
      tile<kRows, kTile>(k, a, {b.data + j * b.row, b.row, b.column},
                         {c.data + j * c.column, c.row, c.column}, factor, accumulate);
    }
    for (; j < n; ++j) {
      tile<kRows, 1>(k, a, {b.data + j * b.row, b.row, b.column}, {c.data + j * c.column, c.row, c.column},
                     factor, accumulate);
    }
  }

  static void product(Size m, Size n, Size k, LaneMatrix<const T> a, LaneMatrix<const T> b, LaneMatrix<T> c,
                      T factor, bool accumulate) {
    Size i = 0;
    for (; i + kTile <= m; i += kTile) {
      strip<kTile>(n, k, {a.data + i * a.row, a.row, a.column}, b, {c.data + i * c.row, c.row, c.column},
                   factor, accumulate);
    }
    for (; i < m; ++i) {
      strip<1>(n, k, {a.data + i * a.row, a.row, a.column}, b, {c.data + i * c.row, c.row, c.column}, factor,
               accumulate);
    }
  }
};

}  // namespace satsuma::kernels

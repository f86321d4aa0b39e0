#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace satsuma {

/// Up to eight extents (or strides), stored in place. Used for shapes, strides and indices alike.
class Shape {
 public:
  static constexpr int kMaxRank = 8;

  Shape() = default;
  Shape(std::initializer_list<std::int64_t> dims);
  explicit Shape(std::span<const std::int64_t> dims);

  int rank() const { return rank_; }
  std::int64_t operator[](int i) const { return dims_[static_cast<std::size_t>(i)]; }
  std::int64_t& operator[](int i) { return dims_[static_cast<std::size_t>(i)]; }
  const std::int64_t* begin() const { return dims_.data(); }
  const std::int64_t* end() const { return dims_.data() + rank_; }
  void push_back(std::int64_t dim);

  /// Product of the extents; 1 for rank 0. Throws ShapeError when it does not fit 63 bits or an extent is
  /// negative.
  std::int64_t numel() const;

  bool operator==(const Shape& other) const;

 private:
  std::array<std::int64_t, kMaxRank> dims_{};
  int rank_ = 0;
};

/// `[64, 3, 32, 32]`.
std::string to_string(const Shape& shape);

/// Shape that `a` and `b` broadcast to, as NumPy does: aligned at the last axis, extents equal or 1.
/// Throws ShapeError naming `op`.
Shape broadcast(const char* op, const Shape& a, const Shape& b);

}  // namespace satsuma

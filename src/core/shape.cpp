#include "satsuma/core/shape.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "satsuma/core/error.hpp"

namespace satsuma {

Shape::Shape(std::initializer_list<std::int64_t> dims) {
  for (const std::int64_t dim : dims) push_back(dim);
}

Shape::Shape(std::span<const std::int64_t> dims) {
  for (const std::int64_t dim : dims) push_back(dim);
}

void Shape::push_back(std::int64_t dim) {
  if (rank_ == kMaxRank) throw ShapeError(fmt::format("a shape has at most {} axes", kMaxRank));
  dims_[static_cast<std::size_t>(rank_++)] = dim;
}

std::int64_t Shape::numel() const {
  std::int64_t product = 1;
  bool overflow = false;
  for (const std::int64_t dim : *this) {
    if (dim < 0) throw ShapeError(fmt::format("shape {} has a negative extent", to_string(*this)));
    overflow |= __builtin_mul_overflow(product, dim, &product);
  }
  // An extent of zero makes an overflowed product harmless, whatever the order of the extents.
  if (std::find(begin(), end(), 0) != end()) return 0;
  if (overflow)
    throw ShapeError(fmt::format("shape {} has more elements than fit in 63 bits", to_string(*this)));
  return product;
}

bool Shape::operator==(const Shape& other) const {
  return std::equal(begin(), end(), other.begin(), other.end());
}

std::string to_string(const Shape& shape) {
  return fmt::format("[{}]", fmt::join(shape.begin(), shape.end(), ", "));
}

Shape broadcast(const char* op, const Shape& a, const Shape& b) {
  const int rank = std::max(a.rank(), b.rank());
  Shape result;
  for (int i = 0; i < rank; ++i) {
    const int ia = i - (rank - a.rank());
    const int ib = i - (rank - b.rank());
    const std::int64_t da = ia < 0 ? 1 : a[ia];
    const std::int64_t db = ib < 0 ? 1 : b[ib];
    if (da != db && da != 1 && db != 1) {
      throw ShapeError(
          fmt::format("[{}] got {} and {}, expected extents that are equal or 1, aligned at the last axis",
                      op, to_string(a), to_string(b)));
    }
    result.push_back(da == 1 ? db : da);
  }
  return result;
}

}  // namespace satsuma

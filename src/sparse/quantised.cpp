#include "satsuma/sparse/quantised.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "satsuma/core/error.hpp"
#include "satsuma/core/parallel.hpp"

namespace satsuma {

namespace {

template <typename T>
void round_row(T* row, std::int64_t count, T levels) {
  T largest = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    if (!std::isfinite(row[i])) return;
    largest = std::max(largest, std::abs(row[i]));
  }
  const T scale = largest / levels;
  if (scale == 0) return;
  for (std::int64_t i = 0; i < count; ++i) row[i] = scale * std::nearbyint(row[i] / scale);
}

/// `values` has rows of equal length one after another.
void round_rows(Tensor& values, int bits) {
  if (bits < 2 || bits > 16) throw UsageError(fmt::format("values got {} bits, expected 2 to 16", bits));
  const std::int64_t rows = values.dim(0);
  if (values.numel() == 0) return;
  const std::int64_t count = values.numel() / rows;
  dispatch_real("quantised", values.dtype(), [&](auto element) {
    using T = decltype(element);
    T* const to = values.data<T>();
    parallel_for(rows, 8, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row)
        round_row(to + row * count, count, static_cast<T>((1 << (bits - 1)) - 1));
    });
  });
}

}  // namespace

PackedWeight quantised(const PackedWeight& weight, int bits) {
  PackedWeight result = weight;
  result.values = weight.values.clone();
  result.device_form = nullptr;
  result.source = {};
  round_rows(result.values, bits);
  return result;
}

Tensor quantised(const Tensor& weight, int bits) {
  Tensor result = weight.to(MemoryFormat::channels_last).clone();
  round_rows(result, bits);
  return result;
}

}  // namespace satsuma

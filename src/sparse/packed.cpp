#include "satsuma/sparse/packed.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/core/parallel.hpp"
#include "src/sparse/pairwise.hpp"

namespace satsuma {

namespace {

/// NaN ranks above infinity, so that it is never silently pruned away.
bool ranks_above(double a, double b) {
  if (std::isnan(b)) return false;
  return std::isnan(a) || a > b;
}

/// Positions of the `count` largest magnitudes, rising; of equal ones the lower position comes first.
std::vector<std::int64_t> kept_positions(const std::vector<double>& magnitudes, std::int64_t count) {
  std::vector<std::int64_t> order(magnitudes.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    return ranks_above(magnitudes[static_cast<std::size_t>(a)], magnitudes[static_cast<std::size_t>(b)]);
  });
  order.resize(static_cast<std::size_t>(count));
  std::sort(order.begin(), order.end());
  return order;
}

struct Extents {
  std::int64_t rows;    ///< one packed row each
  std::int64_t length;  ///< channels that groups run along
};

Extents extents(const Shape& dense, GroupAxis axis) {
  const bool along_inputs = axis == GroupAxis::input_channels;
  return {dense[along_inputs ? 0 : 1], dense[along_inputs ? 1 : 0]};
}

/// [K, C, R, S] index of a packed row's channel.
Shape dense_index(GroupAxis axis, std::int64_t row, std::int64_t channel, std::int64_t r, std::int64_t s) {
  return axis == GroupAxis::input_channels ? Shape{row, channel, r, s} : Shape{channel, row, r, s};
}

/// An element that pruning keeps: its place in the packed form and its channel.
struct Kept {
  std::int64_t row, r, s, j;
  std::int64_t channel;
};

/// What positions are ranked by: the magnitude of one row, the sum of squares of several.
template <typename T>
T rank_of(std::array<T, kMostShared> values, int shared) {
  if (shared == 1) return std::abs(values[0]);
  for (T& value : values) value *= value;
  return pairwise_sum(values);
}

/// Calls `visit(kept)` for every kept element of `weight`; rows that share positions run one after another,
/// others in parallel.
template <typename T, typename F>
void for_each_kept(const Tensor& weight, GroupAxis axis, Pattern pattern, F&& visit) {
  const T* const values = weight.data<T>();
  const auto [rows, length] = extents(weight.shape(), axis);
  const std::int64_t channels = length;
  const std::int64_t shared = pattern.shared;
  const std::int64_t last_row = rows;
  parallel_for((rows + shared - 1) / shared, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<double> magnitudes;
    for (std::int64_t set = begin; set < end; ++set) {
      const std::int64_t first_row = set * shared;
      const std::int64_t end_row = std::min(first_row + shared, last_row);
      for (std::int64_t r = 0; r < weight.dim(2); ++r) {
        for (std::int64_t s = 0; s < weight.dim(3); ++s) {
          std::int64_t j = 0;
          for (std::int64_t first = 0; first < channels; first += pattern.m) {
            const std::int64_t group = std::min<std::int64_t>(pattern.m, channels - first);
            magnitudes.clear();
            for (std::int64_t i = 0; i < group; ++i) {
              std::array<T, kMostShared> column{};
              for (std::int64_t row = first_row; row < end_row; ++row) {
                column[static_cast<std::size_t>(row - first_row)] =
                    values[weight.offset(dense_index(axis, row, first + i, r, s))];
              }
              magnitudes.push_back(static_cast<double>(rank_of(column, pattern.shared)));
            }
            for (const std::int64_t i : kept_positions(magnitudes, kept_in_group(pattern, group))) {
              for (std::int64_t row = first_row; row < end_row; ++row) visit(Kept{row, r, s, j, first + i});
              ++j;
            }
          }
        }
      }
    }
  });
}

/// Calls `visit(at, index)` for every place of the packed form and its element [K, C, R, S]; rows run in
/// parallel.
template <typename F>
void for_each_position(const PackedWeight& packed, F&& visit) {
  const std::uint8_t* const indices = packed.indices.data<std::uint8_t>();
  const std::int64_t shared = packed.pattern.shared;
  const Shape shape = packed.shape();
  parallel_for(shape[0], 1, [&](std::int64_t begin, std::int64_t end) {
    const std::int64_t row_size = shape[1] * shape[2] * shape[3];
    for (std::int64_t row = begin; row < end; ++row) {
      std::int64_t at = row * row_size;
      const std::uint8_t* index = indices + row / shared * row_size;
      for (std::int64_t r = 0; r < shape[1]; ++r) {
        for (std::int64_t s = 0; s < shape[2]; ++s) {
          for (std::int64_t j = 0; j < shape[3]; ++j, ++at, ++index) {
            const std::int64_t channel = j / packed.pattern.n * packed.pattern.m + *index;
            visit(at, dense_index(packed.axis, row, channel, r, s));
          }
        }
      }
    }
  });
}

void check_weight(const char* op, const Tensor& weight, Pattern pattern) {
  validate(pattern);
  if (weight.rank() != 4) {
    throw ShapeError(
        fmt::format("[{}] got {}, expected a weight [K, C, R, S]", op, to_string(weight.shape())));
  }
}

}  // namespace

PackedWeight empty_packed(const Tensor& weight, GroupAxis axis, Pattern pattern) {
  PackedWeight packed;
  packed.pattern = pattern;
  packed.axis = axis;
  packed.dense_shape = weight.shape();
  packed.values = Tensor::empty(packed.shape(), weight.dtype());
  packed.indices = Tensor::empty(packed.index_shape(), DType::u8);
  return packed;
}

PackedWeight compress_reference(const Tensor& weight, GroupAxis axis, Pattern pattern) {
  check_weight("compress", weight, pattern);
  PackedWeight packed = empty_packed(weight, axis, pattern);
  dispatch_real("compress", weight.dtype(), [&](auto element) {
    using T = decltype(element);
    const T* const dense = weight.data<T>();
    T* const values = packed.values.data<T>();
    std::uint8_t* const indices = packed.indices.data<std::uint8_t>();
    for_each_kept<T>(weight, axis, pattern, [&](const Kept& kept) {
      const std::int64_t at = packed.values.offset({kept.row, kept.r, kept.s, kept.j});
      values[at] = dense[weight.offset(dense_index(axis, kept.row, kept.channel, kept.r, kept.s))];
      if (kept.row % pattern.shared == 0) {
        indices[packed.indices.offset({kept.row / pattern.shared, kept.r, kept.s, kept.j})] =
            static_cast<std::uint8_t>(kept.channel % pattern.m);
      }
    });
  });
  return packed;
}

PackedWeight kept_at(const Tensor& weight, const PackedWeight& kept) {
  PackedWeight packed = empty_packed(weight, kept.axis, kept.pattern);
  packed.indices = kept.indices;
  dispatch_real("kept_at", weight.dtype(), [&](auto element) {
    using T = decltype(element);
    const T* const from = weight.data<T>();
    T* const values = packed.values.data<T>();
    for_each_position(kept,
                      [&](std::int64_t at, const Shape& index) { values[at] = from[weight.offset(index)]; });
  });
  return packed;
}

Tensor row_indices(const PackedWeight& packed) {
  if (packed.pattern.shared == 1) return packed.indices;
  Tensor indices = Tensor::empty(packed.shape(), DType::u8);
  const std::int64_t row_size = indices.numel() / std::max<std::int64_t>(packed.rows(), 1);
  for (std::int64_t row = 0; row < packed.rows(); ++row) {
    std::copy_n(packed.indices.data<std::uint8_t>() + row / packed.pattern.shared * row_size, row_size,
                indices.data<std::uint8_t>() + row * row_size);
  }
  return indices;
}

PackedWeight by_rows(const PackedWeight& packed) {
  PackedWeight rows = packed;
  rows.indices = row_indices(packed);
  rows.pattern.shared = 1;
  rows.device_form = nullptr;
  return rows;
}

void check_positions(const PackedWeight& packed) {
  const std::int64_t length = packed.dense_shape[packed.axis == GroupAxis::input_channels ? 1 : 0];
  const std::uint8_t* const indices = packed.indices.data<std::uint8_t>();
  const std::int64_t kept = packed.kept();
  for (std::int64_t i = 0; i < packed.indices.numel(); ++i) {
    const std::int64_t j = i % kept;
    const std::int64_t first = j / packed.pattern.n * packed.pattern.m;
    const bool rises = j % packed.pattern.n == 0 || indices[i] > indices[i - 1];
    if (rises && indices[i] < packed.pattern.m && first + indices[i] < length) continue;
    throw FormatError(fmt::format(
        "position {} of a packed weight is {}, expected one that rises inside its group", i, indices[i]));
  }
}

Tensor expand(const PackedWeight& packed) {
  Tensor dense = Tensor::zeros(packed.dense_shape, packed.values.dtype(), MemoryFormat::channels_last);
  dispatch_real("expand", dense.dtype(), [&](auto element) {
    using T = decltype(element);
    const T* const values = packed.values.data<T>();
    T* const to = dense.data<T>();
    for_each_position(packed,
                      [&](std::int64_t at, const Shape& index) { to[dense.offset(index)] = values[at]; });
  });
  return dense;
}

Tensor mask_of(const Tensor& weight, GroupAxis axis, Pattern pattern) {
  check_weight("mask_of", weight, pattern);
  Tensor mask = Tensor::empty_like(weight);
  mask.fill(0);
  dispatch_real("mask_of", weight.dtype(), [&](auto element) {
    using T = decltype(element);
    T* const to = mask.data<T>();
    for_each_kept<T>(weight, axis, pattern, [&](const Kept& kept) {
      to[mask.offset(dense_index(axis, kept.row, kept.channel, kept.r, kept.s))] = T{1};
    });
  });
  return mask;
}

}  // namespace satsuma

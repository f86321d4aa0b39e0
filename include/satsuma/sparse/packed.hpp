#pragma once

#include <cstdint>
#include <memory>

#include "satsuma/core/tensor.hpp"
#include "satsuma/sparse/operand.hpp"

namespace satsuma {

/// What a device made of a packed weight for its own kernels (see PackedWeight::device_form).
struct DeviceForm {
  virtual ~DeviceForm() = default;
};

/// A weight with only its kept elements.
///
/// Values are row-major `[rows, R, S, kept]`: for W_ff rows are output channels k and `kept` =
/// kept_along(pattern, C); for W_bp rows are input channels c and `kept` = kept_along(pattern, K). Indices
/// are `[ceil(rows / V), R, S, kept]`: V neighbouring rows have them together, V = pattern.shared. Groups
/// follow each other; within a group positions rise. The element `(row, r, s, j)` sits at channel `g * M +
/// indices(row / V, r, s, j)`, g = j / N the group. Where fewer than N elements of a group are non-zero the
/// rest are kept zeros.
struct PackedWeight {
  Pattern pattern;
  GroupAxis axis = GroupAxis::input_channels;  ///< of channels
  Shape dense_shape;                           ///< [K, C, R, S]
  Tensor values;                               ///< f32 or f64
  Tensor indices;                              ///< u8, position inside the group, 0 .. M-1
  /// A device may keep its own arrangement here; it is as old as the values and dies with them.
  mutable std::shared_ptr<DeviceForm> device_form;
  /// A weight that Device::update has renewed may have a device_form and neither values nor indices: this is
  /// the dense weight [K, C, R, S] that they can be made of, as long as that does not change.
  Tensor source;

  bool defined() const { return values.defined() || device_form; }
  std::int64_t rows() const { return dense_shape[axis == GroupAxis::input_channels ? 0 : 1]; }
  std::int64_t kept() const {
    return kept_along(pattern, dense_shape[axis == GroupAxis::input_channels ? 1 : 0]);
  }
  /// [rows, R, S, kept], of values.
  Shape shape() const { return {rows(), dense_shape[2], dense_shape[3], kept()}; }
  /// [ceil(rows / V), R, S, kept], of indices.
  Shape index_shape() const {
    return {(rows() + pattern.shared - 1) / pattern.shared, dense_shape[2], dense_shape[3], kept()};
  }
};

/// A packed form of `weight` whose values, of the weight's dtype, and indices are yet to be written.
PackedWeight empty_packed(const Tensor& weight, GroupAxis axis, Pattern pattern);

/// Compresses a dense weight: keeps the largest magnitudes of each group, ties to the lower index. Of V rows
/// that share positions those with the largest sums of squares are kept: of w^2 in the weight's type, each
/// operation rounded by itself, added pairwise (rows 0 + 1, 2 + 3, ..., then these pairs, and so on; missing
/// rows are zeros). Slow and plain: the oracle that every device's compress() is held against. Throws
/// ShapeError unless `weight` has rank 4.
PackedWeight compress_reference(const Tensor& weight, GroupAxis axis, Pattern pattern);

/// `weight` with its elements at the positions that `kept` keeps, whatever their magnitudes. The weight has
/// the dense shape of `kept`.
PackedWeight kept_at(const Tensor& weight, const PackedWeight& kept);
/// The indices of each row by itself, [rows, R, S, kept]: for who does not know shared positions.
Tensor row_indices(const PackedWeight& packed);
/// The same weight under the pattern with V = 1, without a device's form.
PackedWeight by_rows(const PackedWeight& packed);
/// Throws FormatError unless the indices are rising positions inside their groups.
void check_positions(const PackedWeight& packed);

/// The dense tensor [K, C, R, S], in channels-last format, that `packed` stands for.
Tensor expand(const PackedWeight& packed);

/// Ones where W has a kept element, zeros elsewhere; the shape and layout of `weight`.
Tensor mask_of(const Tensor& weight, GroupAxis axis, Pattern pattern);

}  // namespace satsuma

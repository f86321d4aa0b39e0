#pragma once

#include <cstdint>
#include <memory>

#include "satsuma/autograd/saved_precision.hpp"
#include "satsuma/core/tensor.hpp"

namespace satsuma::ops {

/// True where an op that is recorded now keeps a bf16 copy of `x` instead of x itself.
bool keeps_narrow(const Tensor& x);

/// The bits of a tensor of bf16, as kernels take them.
const std::uint16_t* bits_of(const Tensor& narrow);
std::uint16_t* bits_of(Tensor& narrow);

/// A tensor that a derivative needs, without its history. Under bf16 it is a rounded copy of a tensor of f32,
/// without gaps.
class SavedTensor {
 public:
  SavedTensor() = default;
  explicit SavedTensor(const Tensor& x, DType precision = saved_precision());
  /// Keeps `x`, a tensor without history that may be a view of `of`: ops that keep all elements of `of` share
  /// one copy.
  SavedTensor(const Tensor& x, const Tensor& of, DType precision = saved_precision());

  /// Keeps `copy`, a tensor of f32 that the caller has rounded to bf16.
  static SavedTensor of_rounded(const Tensor& copy);

  bool defined() const { return kept_.defined(); }
  /// As it is kept: in the dtype it had, or in bf16.
  const Tensor& kept() const { return kept_; }
  bool narrow() const { return kept_.dtype() == DType::bf16; }
  /// In the dtype that it had: made for the caller where that is not the dtype in which it is kept.
  Tensor wide() const;
  /// Lets ops that will keep the output `y` find this, which has its elements. Nothing where y has no
  /// history.
  void share_with(const Tensor& y) const;

 private:
  Tensor kept_;
  std::shared_ptr<const Tensor> copy_;  ///< that others may find; kept_ is a view of it
};

}  // namespace satsuma::ops

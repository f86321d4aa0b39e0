#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "satsuma/core/dtype.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/core/memory_format.hpp"
#include "satsuma/core/shape.hpp"

namespace satsuma {

struct AutogradMeta;

/// An n-dimensional array, used as a value: copies are cheap and share elements. A default-constructed tensor
/// is undefined and stands for "none". The shape is logical; where elements lie is said by the layout. A
/// tensor made under NoStorage has no elements.
///
/// In a tensor with lanes (MemoryFormat::batch_blocked) whose batch is no multiple of the lanes, the padding
/// lanes hold finite numbers of no meaning: element-wise code may run over them, whoever reduces over the
/// batch must not.
class Tensor {
 public:
  Tensor() = default;

  /// Unspecified contents; the padding lanes, where there are any, are zero.
  static Tensor empty(const Shape& shape, DType dtype = DType::f32,
                      MemoryFormat format = MemoryFormat::row_major);
  static Tensor zeros(const Shape& shape, DType dtype = DType::f32,
                      MemoryFormat format = MemoryFormat::row_major);
  static Tensor full(const Shape& shape, double value, DType dtype = DType::f32,
                     MemoryFormat format = MemoryFormat::row_major);
  /// Unspecified contents in the shape, dtype and axis order of `other`, which may be any dense view.
  static Tensor empty_like(const Tensor& other);
  /// Row-major copy of `values`. Throws ShapeError when their number is not that of the shape.
  template <typename T>
  static Tensor from(std::span<const T> values, const Shape& shape);
  template <typename T>
  static Tensor from(const std::vector<T>& values, const Shape& shape) {
    return from(std::span<const T>(values), shape);
  }
  /// A tensor over memory that somebody else allocated (a device, a mapped file).
  static Tensor over(std::shared_ptr<std::byte> storage, const Shape& shape, const Layout& layout,
                     DType dtype);

  bool defined() const { return impl_ != nullptr; }
  explicit operator bool() const { return defined(); }
  bool same_as(const Tensor& other) const { return impl_ == other.impl_; }
  /// Equal for two tensors exactly when they are the same_as() each other; a key while the tensor lives.
  const void* identity() const { return impl_.get(); }

  const Shape& shape() const;
  int rank() const { return shape().rank(); }
  /// Extent of an axis; negative axes count from the end.
  std::int64_t dim(int axis) const;
  std::int64_t numel() const { return shape().numel(); }
  DType dtype() const;
  const Layout& layout() const;
  std::int64_t lanes() const { return layout().lanes; }

  /// True when elements lie as layout_of(shape, format) says.
  bool is(MemoryFormat format) const;
  /// True when the storage has no gaps, in whatever axis order: element-wise code may run over `extent()`
  /// elements.
  bool is_dense() const;
  /// Elements from the first to the last, padding lanes included.
  std::int64_t extent() const { return storage_extent(shape(), layout()); }

  /// False for a tensor that has no elements because it was made for its shape alone; see NoStorage. Views
  /// and conversions of it under NoStorage have none either.
  bool has_storage() const;

  /// First element. Throws ShapeError when T is not the dtype, Error for a tensor without elements. Of a
  /// tensor that is not const elements may be written through it, so that it raises version(); whoever keeps
  /// the pointer asks again before he writes.
  template <typename T>
  T* data();
  template <typename T>
  const T* data() const;
  std::byte* raw();
  const std::byte* raw() const;
  /// Rises whenever the elements may have been written, by whatever tensor that shares them: what was made of
  /// them is up to date as long as this is what it was. A tensor over() memory of somebody else knows only of
  /// what goes through itself and its copies and views.
  std::uint64_t version() const;

  /// Index into data() of the element at `index`.
  std::int64_t offset(const Shape& index) const;
  /// The only element, converted. Throws ShapeError when there are more.
  double item() const;
  /// All elements in logical (row-major) order, converted.
  template <typename T>
  std::vector<T> to_vector() const;

  /// Copies; shared when nothing is to be done.
  Tensor to(DType dtype) const;
  Tensor to(MemoryFormat format) const;
  /// In the axis order of `other`, a tensor of the same shape.
  Tensor in_layout_of(const Tensor& other) const;
  Tensor clone() const;
  /// Copies the elements of `source` (same shape, any layout or dtype) into this tensor.
  void copy_from(const Tensor& source);
  void fill(double value);

  /// Views: share elements, no gradient is recorded (ops/ has the differentiable ones).
  Tensor permute_view(std::span<const int> axes) const;
  Tensor slice_view(int axis, std::int64_t begin, std::int64_t end) const;
  /// The same elements under another shape, or undefined when that needs a copy. With lanes, axis 0 must
  /// stay.
  Tensor reshape_view(const Shape& shape) const;
  /// The same elements under a shape and layout of the caller's making.
  Tensor view(const Shape& shape, const Layout& layout, std::int64_t offset = 0) const;
  /// The same elements without the history.
  Tensor detach() const;

  bool requires_grad() const;
  Tensor& set_requires_grad(bool value = true);
  /// Gradient accumulated by backward(); undefined before.
  Tensor grad() const;
  void set_grad(Tensor grad) const;
  /// What autograd knows of this tensor; null for a constant.
  const std::shared_ptr<AutogradMeta>& autograd() const;
  void set_autograd(std::shared_ptr<AutogradMeta> meta);

 private:
  struct Impl;
  explicit Tensor(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  const Impl& impl() const;
  void check_dtype(DType wanted) const;

  std::shared_ptr<Impl> impl_;
};

/// Calls `visit(offset)` for each element, in row-major order of the shape.
template <typename F>
void for_each_offset(const Tensor& tensor, F&& visit);

}  // namespace satsuma

#include "satsuma/core/tensor_inl.hpp"

#include "satsuma/core/tensor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <numeric>

#include "satsuma/core/allocator.hpp"
#include "satsuma/core/autograd_meta.hpp"
#include "satsuma/core/no_storage.hpp"
#include "src/core/copy.hpp"

namespace satsuma {

/// Memory that tensors share, and how often it may have been written.
struct Storage {
  explicit Storage(std::shared_ptr<std::byte> bytes) : memory(std::move(bytes)) {}

  std::shared_ptr<std::byte> memory;
  std::atomic<std::uint64_t> version = 0;
};

struct Tensor::Impl {
  std::shared_ptr<Storage> storage;
  std::int64_t offset = 0;  // elements
  Shape shape;
  Layout layout;
  DType dtype = DType::f32;
  std::shared_ptr<AutogradMeta> autograd;
};

namespace {

/// Axes from the outermost to the innermost, as the strides have them.
std::vector<int> axes_by_stride(const Shape& shape, const Layout& layout) {
  std::vector<int> axes(static_cast<std::size_t>(shape.rank()));
  std::iota(axes.begin(), axes.end(), 0);
  std::stable_sort(axes.begin(), axes.end(),
                   [&](int a, int b) { return layout.strides[a] > layout.strides[b]; });
  return axes;
}

Layout dense_like(const Shape& shape, const Layout& layout) {
  Layout dense;
  dense.lanes = layout.lanes;
  dense.strides = layout.strides;
  std::int64_t stride = layout.lanes;
  const auto axes = axes_by_stride(shape, layout);
  for (auto axis = axes.rbegin(); axis != axes.rend(); ++axis) {
    dense.strides[*axis] = stride;
    const std::int64_t extent = *axis == 0 ? (shape[0] + layout.lanes - 1) / layout.lanes : shape[*axis];
    stride *= std::max<std::int64_t>(extent, 1);
  }
  return dense;
}

Tensor allocate(const Shape& shape, const Layout& layout, DType dtype) {
  shape.numel();  // refuses overflow before anything is allocated
  const std::int64_t extent = storage_extent(shape, layout);
  std::int64_t bytes = 0;
  if (__builtin_mul_overflow(extent, static_cast<std::int64_t>(size_of(dtype)), &bytes)) {
    throw ShapeError(fmt::format("shape {} does not fit in memory", to_string(shape)));
  }
  if (!storage_enabled()) return Tensor::over(nullptr, shape, layout, dtype);
  Tensor tensor = Tensor::over(allocate_host(static_cast<std::size_t>(bytes)), shape, layout, dtype);
  if (layout.lanes > 1 && shape[0] % layout.lanes != 0) {
    // Only the last block has padding, but clearing it whole is one memset.
    const std::int64_t block = bytes / ((shape[0] + layout.lanes - 1) / layout.lanes);
    if (block > 0) std::memset(tensor.raw() + (bytes - block), 0, static_cast<std::size_t>(block));
  }
  return tensor;
}

/// True when the last block of images is not full. What lies in its other lanes may belong to the tensor that
/// this one is a slice of, and is not to be written.
bool has_padding(const Tensor& tensor) {
  return tensor.lanes() > 1 && tensor.dim(0) % tensor.lanes() != 0;
}

}  // namespace

Tensor Tensor::empty(const Shape& shape, DType dtype, MemoryFormat format) {
  return allocate(shape, layout_of(shape, format), dtype);
}

Tensor Tensor::zeros(const Shape& shape, DType dtype, MemoryFormat format) {
  Tensor tensor = empty(shape, dtype, format);
  if (tensor.has_storage())
    std::memset(tensor.raw(), 0, static_cast<std::size_t>(tensor.extent()) * size_of(dtype));
  return tensor;
}

Tensor Tensor::full(const Shape& shape, double value, DType dtype, MemoryFormat format) {
  Tensor tensor = empty(shape, dtype, format);
  tensor.fill(value);
  return tensor;
}

Tensor Tensor::empty_like(const Tensor& other) {
  return allocate(other.shape(), dense_like(other.shape(), other.layout()), other.dtype());
}

Tensor Tensor::over(std::shared_ptr<std::byte> storage, const Shape& shape, const Layout& layout,
                    DType dtype) {
  auto impl = std::make_shared<Impl>();
  if (storage) impl->storage = std::make_shared<Storage>(std::move(storage));
  impl->shape = shape;
  impl->layout = layout;
  impl->dtype = dtype;
  return Tensor(std::move(impl));
}

const Tensor::Impl& Tensor::impl() const {
  if (!impl_) throw Error("an undefined tensor was used");
  return *impl_;
}

const Shape& Tensor::shape() const {
  return impl().shape;
}
DType Tensor::dtype() const {
  return impl().dtype;
}
const Layout& Tensor::layout() const {
  return impl().layout;
}

std::int64_t Tensor::dim(int axis) const {
  const int i = axis < 0 ? axis + rank() : axis;
  if (i < 0 || i >= rank()) {
    throw ShapeError(fmt::format("axis {} does not exist in a tensor of shape {}", axis, to_string(shape())));
  }
  return shape()[i];
}

bool Tensor::is(MemoryFormat format) const {
  const Layout wanted = layout_of(shape(), format);
  if (wanted.lanes != lanes()) return false;
  for (int i = 0; i < rank(); ++i) {
    const bool one = i == 0 ? shape()[0] <= wanted.lanes : shape()[i] == 1;
    if (!one && wanted.strides[i] != layout().strides[i]) return false;
  }
  return true;
}

bool Tensor::is_dense() const {
  if (rank() == 0) return true;
  const std::int64_t rows = (shape()[0] + lanes() - 1) / lanes() * lanes();
  std::int64_t elements = rows;
  for (int i = 1; i < rank(); ++i) elements *= shape()[i];
  return extent() == elements;
}

void Tensor::check_dtype(DType wanted) const {
  if (dtype() != wanted) {
    throw ShapeError(fmt::format("a tensor of {} was read as {}; convert it with to()", to_string(dtype()),
                                 to_string(wanted)));
  }
}

bool Tensor::has_storage() const {
  return impl().storage != nullptr;
}

const std::byte* Tensor::raw() const {
  if (!has_storage()) {
    throw Error(fmt::format(
        "the elements of a tensor {} were asked for, which has none: it was made for its shape alone",
        to_string(shape())));
  }
  return impl().storage->memory.get() + impl().offset * static_cast<std::int64_t>(size_of(dtype()));
}

std::byte* Tensor::raw() {
  const std::byte* const first = std::as_const(*this).raw();
  // Loops of several threads ask for their elements at once.
  impl().storage->version.fetch_add(1, std::memory_order_relaxed);
  return const_cast<std::byte*>(first);
}

std::uint64_t Tensor::version() const {
  return has_storage() ? impl().storage->version.load(std::memory_order_relaxed) : 0;
}

std::int64_t Tensor::offset(const Shape& index) const {
  if (rank() == 0) return 0;
  const Layout& at = layout();
  std::int64_t result = index[0] / at.lanes * at.strides[0] + index[0] % at.lanes;
  for (int i = 1; i < rank(); ++i) result += index[i] * at.strides[i];
  return result;
}

double Tensor::item() const {
  if (numel() != 1)
    throw ShapeError(fmt::format("item() got shape {}, expected one element", to_string(shape())));
  return to_vector<double>().front();
}

Tensor Tensor::to(DType wanted) const {
  if (wanted == dtype()) return *this;
  Tensor result = allocate(shape(), dense_like(shape(), layout()), wanted);
  result.copy_from(*this);
  return result;
}

Tensor Tensor::to(MemoryFormat format) const {
  if (is(format)) return *this;
  Tensor result = empty(shape(), dtype(), format);
  result.copy_from(*this);
  return result;
}

Tensor Tensor::in_layout_of(const Tensor& other) const {
  const Layout wanted = dense_like(other.shape(), other.layout());
  if (layout() == wanted) return *this;
  Tensor result = allocate(shape(), wanted, dtype());
  result.copy_from(*this);
  return result;
}

Tensor Tensor::clone() const {
  Tensor result = empty_like(*this);
  result.copy_from(*this);
  return result;
}

void Tensor::copy_from(const Tensor& source) {
  if (!(source.shape() == shape())) {
    throw ShapeError(
        fmt::format("[copy] got {}, expected {}", to_string(source.shape()), to_string(shape())));
  }
  if (!has_storage()) return;
  if (source.dtype() == dtype() && source.layout() == layout() && is_dense() && !has_padding(*this)) {
    std::memmove(raw(), source.raw(), static_cast<std::size_t>(extent()) * size_of(dtype()));
    return;
  }
  copy_elements(source, *this);
}

void Tensor::fill(double value) {
  if (!has_storage()) return;
  dispatch_any(dtype(), [&](auto element) {
    using T = decltype(element);
    const T filler = convert<T>(value);
    T* const to = data<T>();
    if (is_dense() && !has_padding(*this)) {
      std::fill_n(to, extent(), filler);
    } else {
      for_each_offset(*this, [&](std::int64_t at) { to[at] = filler; });
    }
  });
}

Tensor Tensor::view(const Shape& shape, const Layout& layout, std::int64_t offset) const {
  auto result = std::make_shared<Impl>();
  result->storage = impl().storage;
  result->offset = impl().offset + offset;
  result->shape = shape;
  result->layout = layout;
  result->dtype = dtype();
  return Tensor(std::move(result));
}

Tensor Tensor::detach() const {
  return view(shape(), layout());
}

Tensor Tensor::permute_view(std::span<const int> axes) const {
  if (static_cast<int>(axes.size()) != rank()) {
    throw ShapeError(fmt::format("[permute] got {} axes for shape {}", axes.size(), to_string(shape())));
  }
  if (lanes() > 1 && axes[0] != 0) return to(MemoryFormat::row_major).permute_view(axes);
  Shape shape;
  Layout layout{{}, lanes()};
  std::vector<bool> seen(axes.size());
  for (const int axis : axes) {
    if (axis < 0 || axis >= rank() || seen[static_cast<std::size_t>(axis)]) {
      throw ShapeError(fmt::format("[permute] axes [{}] are no permutation of the {} axes of {}",
                                   fmt::join(axes, ", "), rank(), to_string(this->shape())));
    }
    seen[static_cast<std::size_t>(axis)] = true;
    shape.push_back(this->shape()[axis]);
    layout.strides.push_back(this->layout().strides[axis]);
  }
  return view(shape, layout);
}

Tensor Tensor::slice_view(int axis, std::int64_t begin, std::int64_t end) const {
  const std::int64_t extent = dim(axis);
  const int i = axis < 0 ? axis + rank() : axis;
  if (begin < 0 || end < begin || end > extent) {
    throw ShapeError(
        fmt::format("[slice] got [{}, {}) on axis {} of {}", begin, end, axis, to_string(shape())));
  }
  if (i == 0 && lanes() > 1 && begin % lanes() != 0) {
    return to(MemoryFormat::row_major).slice_view(axis, begin, end);
  }
  Shape shape = this->shape();
  shape[i] = end - begin;
  const std::int64_t step = i == 0 ? begin / lanes() : begin;
  return view(shape, layout(), step * layout().strides[i]);
}

Tensor Tensor::reshape_view(const Shape& wanted) const {
  if (wanted.numel() != numel()) {
    throw ShapeError(fmt::format("[reshape] got {}, expected a shape with as many elements as {}",
                                 to_string(wanted), to_string(shape())));
  }
  if (numel() == 0) return view(wanted, layout_of(wanted, MemoryFormat::row_major));
  if (lanes() > 1 && (wanted.rank() == 0 || wanted[0] != shape()[0])) return {};
  // Walk both shapes from the right, matching groups of axes with equal products; a group of old axes must be
  // contiguous among itself to be regrouped.
  Layout result{wanted, lanes()};
  const int fixed = lanes() > 1 ? 1 : 0;
  if (fixed) result.strides[0] = layout().strides[0];
  int from = rank() - 1;
  int to = wanted.rank() - 1;
  while (to >= fixed) {
    std::int64_t old_product = 1;
    std::int64_t stride = 1;
    bool first = true;
    const auto take_old = [&]() -> bool {
      while (from >= fixed && shape()[from] == 1) --from;
      if (from < fixed) return false;
      if (first) {
        stride = layout().strides[from];
        first = false;
      } else if (layout().strides[from] != stride * old_product) {
        return false;
      }
      old_product *= shape()[from--];
      return true;
    };
    if (wanted[to] == 1) {
      result.strides[to--] = result.lanes;
      continue;
    }
    if (!take_old()) return {};
    std::int64_t new_product = 1;
    while (to >= fixed && new_product < old_product) {
      // Grow the old group until the new axis divides into it.
      while (old_product % (new_product * wanted[to]) != 0) {
        if (!take_old()) return {};
      }
      result.strides[to] = stride * new_product;
      new_product *= wanted[to--];
    }
  }
  return view(wanted, result);
}

bool Tensor::requires_grad() const {
  const auto& meta = impl().autograd;
  return meta && (meta->requires_grad || meta->node);
}

Tensor& Tensor::set_requires_grad(bool value) {
  if (value && !is_floating(dtype())) {
    throw ShapeError(fmt::format("a tensor of {} cannot require a gradient", to_string(dtype())));
  }
  impl();
  if (!impl_->autograd) impl_->autograd = std::make_shared<AutogradMeta>();
  impl_->autograd->requires_grad = value;
  return *this;
}

Tensor Tensor::grad() const {
  return impl().autograd ? impl().autograd->grad : Tensor();
}

void Tensor::set_grad(Tensor grad) const {
  if (!impl().autograd) throw Error("a gradient was given to a tensor that requires none");
  impl().autograd->grad = std::move(grad);
}

const std::shared_ptr<AutogradMeta>& Tensor::autograd() const {
  return impl().autograd;
}

void Tensor::set_autograd(std::shared_ptr<AutogradMeta> meta) {
  impl();
  impl_->autograd = std::move(meta);
}

}  // namespace satsuma

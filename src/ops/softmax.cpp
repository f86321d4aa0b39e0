#include "satsuma/ops/softmax.hpp"

#include "src/ops/kernels/kernels.hpp"
#include "src/ops/support.hpp"

namespace satsuma::ops {

namespace {

/// Calls `visit(offset)` for the first element of each row of lanes along an axis of a blocked tensor.
template <typename Visit>
void for_each_row(const Tensor& x, int axis, Visit&& visit) {
  const std::int64_t length = x.dim(axis);
  const std::int64_t stride = x.layout().strides[axis];
  const std::int64_t inside = stride / kLanes;
  if (x.numel() == 0) return;
  const std::int64_t rows = x.extent() / kLanes / length;
  parallel_for(rows, std::max<std::int64_t>(kGrain / (length * kLanes), 1),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t row = begin; row < end; ++row)
                   visit(row / inside * length * stride + row % inside * kLanes);
               });
}

}  // namespace

Tensor softmax(const Tensor& x, int axis) {
  const int along = axis < 0 ? axis + x.rank() : axis;
  if (x.rank() < 2 || along < 1 || along >= x.rank()) {
    throw ShapeError(fmt::format("[softmax] got axis {} of {}, expected an axis behind the batch", axis,
                                 to_string(x.shape())));
  }
  check_real("softmax", x);
  const Tensor from = blocked(x);
  Tensor y = Tensor::empty_like(from);
  const std::int64_t stride = y.layout().strides[along];
  return record({"softmax", {x}, {{"axis", std::int64_t{along}}}}, y, [&]() -> Backward {
    dispatch_real("softmax", x.dtype(), [&](auto element) {
      using T = decltype(element);
      const T* const data = from.data<T>();
      T* const to = y.data<T>();
      for_each_row(y, along, [&](std::int64_t at) {
        kernels::active<T>().softmax(data + at, to + at, x.dim(along), stride, nullptr);
      });
    });
    return [y = y.detach(), along, stride](const Tensor& grad, const std::vector<bool>&) {
      const Tensor g = blocked(grad);
      Tensor dx = Tensor::empty_like(y);
      dispatch_real("softmax", y.dtype(), [&](auto element) {
        using T = decltype(element);
        const T* const powers = y.data<T>();
        const T* const grads = g.data<T>();
        T* const to = dx.data<T>();
        for_each_row(y, along, [&](std::int64_t at) {
          kernels::active<T>().softmax_grad(powers + at, grads + at, to + at, y.dim(along), stride);
        });
      });
      return std::vector<Tensor>{dx};
    };
  });
}

}  // namespace satsuma::ops

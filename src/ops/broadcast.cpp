#include "src/ops/broadcast.hpp"

#include <array>

namespace satsuma::ops {

Stretched stretch(const Tensor& x, const Shape& shape, std::int64_t lanes) {
  const int rank = shape.rank();
  const int missing = rank - x.rank();
  const bool batched = missing == 0 && rank > 0 && x.dim(0) == shape[0];
  Stretched result;
  result.tensor = x.to(batched ? format_with(lanes) : MemoryFormat::row_major).detach();
  result.lane = batched && rank > 1 ? 1 : 0;
  for (int axis = 0; axis < rank; ++axis) {
    const int own = axis - missing;
    const bool repeats = own < 0 || (x.dim(own) == 1 && !(axis == 0 && batched));
    result.strides.push_back(repeats ? 0 : result.tensor.layout().strides[own]);
  }
  return result;
}

Tensor sum_to(const Tensor& g, const Shape& shape) {
  if (g.shape() == shape) return g;
  const Tensor from = activation(g);
  Stretched to = stretch(Tensor::zeros(shape, DType::f64), g.shape(), from.lanes());
  double* const sum = to.tensor.data<double>();
  dispatch_real("sum", g.dtype(), [&](auto element) {
    using T = decltype(element);
    const T* const data = from.data<T>();
    const std::int64_t lanes = from.lanes();
    const std::int64_t blocks = g.numel() == 0 ? 0 : g.rank() == 0 ? 1 : (g.dim(0) + lanes - 1) / lanes;
    const std::array<Shape, 2> strides = {from.layout().strides, to.strides};
    for (std::int64_t block = 0; block < blocks; ++block) {
      const std::int64_t valid = lanes == 1 ? 1 : valid_lanes(g.dim(0), block);
      for_each_run(g.shape(), block, strides,
                   [&](std::int64_t count, const auto& offsets, const auto& steps) {
                     for (std::int64_t j = 0; j < count; ++j) {
                       const T* const run = data + offsets[0] + j * steps[0];
                       double* const out = sum + offsets[1] + j * steps[1];
                       for (std::int64_t lane = 0; lane < valid; ++lane)
                         out[lane * to.lane] += static_cast<double>(run[lane]);
                     }
                   });
    }
  });
  return to.tensor.to(g.dtype());
}

}  // namespace satsuma::ops

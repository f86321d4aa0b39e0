#include "src/ops/support.hpp"

#include <cstring>

#include "satsuma/core/allocator.hpp"

namespace satsuma::ops {

Tensor empty_as(const Tensor& x, DType dtype) {
  if (dtype == x.dtype()) return Tensor::empty_like(x);
  const std::size_t bytes = static_cast<std::size_t>(x.extent()) * size_of(dtype);
  Tensor result = Tensor::over(allocate_host(bytes), x.shape(), x.layout(), dtype);
  // Padding lanes hold finite numbers.
  if (x.lanes() > 1 && x.dim(0) % x.lanes() != 0) std::memset(result.raw(), 0, bytes);
  return result;
}

}  // namespace satsuma::ops

#include "src/device/f32_device.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "satsuma/core/error.hpp"

namespace satsuma {

Support supports_f32(const PassRequest& request, std::initializer_list<DType> operands) {
  if (request.dtype != DType::f32) {
    return Support::no(fmt::format("computes in f32, not {}", to_string(request.dtype)));
  }
  if (std::find(operands.begin(), operands.end(), request.operands) == operands.end()) {
    return Support::no(fmt::format("has no products of {}", to_string(request.operands)));
  }
  if (request.geometry.groups != 1) {
    return Support::no(fmt::format("has no kernel for {} groups of channels", request.geometry.groups));
  }
  if (!request.gradient.dense()) {
    return Support::no(
        fmt::format("has no kernel for an output gradient pruned {}", to_string(request.gradient)));
  }
  return {};
}

void check_compress(const Tensor& weight) {
  if (weight.rank() != 4 || weight.dtype() != DType::f32) {
    throw ShapeError(fmt::format("[compress] got {} of {}, expected a weight [K, C, R, S] of f32",
                                 to_string(weight.shape()), to_string(weight.dtype())));
  }
}

}  // namespace satsuma

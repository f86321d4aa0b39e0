#pragma once

#include <array>
#include <cstdint>

#include "satsuma/device/device.hpp"
#include "satsuma/device/sgd_rule.hpp"

/// What kernels are told, as the host writes it; addresses are left for the caller.
namespace satsuma::opencl {

using Int = std::int32_t;
using Float = float;
using Address = std::uint64_t;
inline constexpr Address kNowhere = ~Address{0};

#include "src/opencl/kernels/interface.h"

/// Sizes of a pass.
struct PassSizes {
  const Geometry& geometry;
  std::int64_t images;
  Pair in_size;   ///< height and width of x
  Pair out_size;  ///< of y
};

/// A number of elements as kernels count them. Throws DeviceError beyond 2^31.
Int narrow(std::int64_t count);

/// FF or BP with a weight that is packed in `pattern`, or dense.
Product product_arguments(Pass pass, const PassSizes& sizes, Pattern pattern, bool packed);
Gradient gradient_arguments(const PassSizes& sizes);
BiasGradient bias_gradient_arguments(const PassSizes& sizes);
/// A weight [K, C, R, S] of this shape.
Reduction reduction_arguments(const std::array<std::int64_t, 4>& shape, GroupAxis axis, Pattern pattern);
Step step_arguments(const std::array<std::int64_t, 4>& shape, const SgdStep& step, Pattern pattern);

/// Work-items of Product's result, of each pixel and block of images.
std::int64_t vectors_of(const Product& product);
/// Groups of weights that a Reduction, or a Step, takes.
std::int64_t groups_of(const Reduction& reduction);
std::int64_t groups_of(const Step& step);

}  // namespace satsuma::opencl

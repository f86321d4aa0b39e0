#include "src/train/finite.hpp"

#include <cmath>
#include <limits>

namespace satsuma::train {

std::optional<double> first_not_finite(const Tensor& tensor) {
  if (!is_floating(tensor.dtype())) return std::nullopt;
  return dispatch_any(tensor.dtype(), [&](auto element) -> std::optional<double> {
    const auto* const values = tensor.data<decltype(element)>();
    std::optional<double> first;
    for_each_offset(tensor, [&](std::int64_t offset) {
      const double value = convert<double>(values[offset]);
      // The comparison is written so that NaN fails.
      if (!(std::abs(value) <= std::numeric_limits<float>::max()) && !first) first = value;
    });
    return first;
  });
}

}  // namespace satsuma::train

#pragma once

#include "satsuma/device/matmul_device.hpp"
#include "satsuma/plugin.h"

namespace satsuma::plugin_host {

// Our types as those of plugin.h. What comes back points into its argument.

satsuma_tensor to_c(const Tensor& tensor, MemoryFormat format);
satsuma_geometry to_c(const Geometry& geometry);
satsuma_pattern to_c(Pattern pattern);
satsuma_request request_of(const LayerPlan& plan, Pass pass);
satsuma_pass pass_of(const LayerPlan& plan, Pass pass);
satsuma_packed to_c(const PackedWeight& packed);
/// Without a form.
satsuma_matmul to_c(const MatrixProduct& product);
std::int32_t to_c(DType dtype);

MemoryFormat format_from_c(std::int32_t format);

}  // namespace satsuma::plugin_host

#pragma once

#include <functional>

#include "satsuma/device/device.hpp"
#include "satsuma/plugin.h"

namespace satsuma::plugin_host {

/// FF or BP as products of matrices C = A * B, one for each block of sixteen images and some rows of pixels:
/// A is the weight, B has a row for each (r, s, channel) and a column for each pixel and image of the part,
/// zero where a tap falls on padding (or, in BP, between strides).
///
/// `input` is x or dy, `output` y or dx, both batch-blocked f32; `bias` may be undefined. `product` has
/// everything that concerns A filled in; `multiply` is called with B, C and `columns` set.
void lower(Pass pass, const Geometry& geometry, const Tensor& input, const Tensor& bias, Tensor& output,
           satsuma_matmul product, const std::function<void(const satsuma_matmul&)>& multiply);

/// A dense weight [K, C, R, S] as the matrix A of a pass: [K][R][S][C] in FF, [C][R][S][K] in BP.
Tensor weight_rows(Pass pass, const Tensor& weight);

}  // namespace satsuma::plugin_host

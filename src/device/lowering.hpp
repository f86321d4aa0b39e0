#pragma once

#include <functional>

#include "satsuma/device/matmul_device.hpp"

namespace satsuma {

/// FF or BP (`product.pass`) as products of matrices C = A * B, one for each block of sixteen images and some
/// rows of pixels: A is the weight, B has a row for each (r, s, channel) and a column for each pixel and
/// image of the part, zero where a tap falls on padding (or, in BP, between strides).
///
/// `input` is x or dy, `output` y or dx, both batch-blocked f32; `bias` may be undefined. `product` has
/// everything that concerns A filled in; `multiply` is called with B, C and `columns` set, and C is complete
/// when it returns.
void lower(const Geometry& geometry, MatrixProduct product, const Tensor& input, const Tensor& bias,
           Tensor& output, const std::function<void(const MatrixProduct&)>& multiply);

/// A dense weight [K, C, R, S] as the matrix A of a pass: [K][R][S][C] in FF, [C][R][S][K] in BP.
Tensor weight_rows(Pass pass, const Tensor& weight);

/// What concerns A: of weight_rows(), or of the packed weight of the pass. It points into `a`.
MatrixProduct product_of(const LayerPlan& plan, Pass pass, const Tensor& a);
MatrixProduct product_of(const LayerPlan& plan, Pass pass, const PackedWeight& a);

}  // namespace satsuma

#pragma once

#include "src/ops/kernels/batch_norm.hpp"
#include "src/ops/kernels/contiguous.hpp"
#include "src/ops/kernels/elementwise.hpp"
#include "src/ops/kernels/kernels.hpp"
#include "src/ops/kernels/narrow.hpp"
#include "src/ops/kernels/pool.hpp"
#include "src/ops/kernels/product.hpp"
#include "src/ops/kernels/rows.hpp"

namespace satsuma::kernels {

/// Instantiated once for each width and type, in plain.cpp, avx2.cpp and avx512.cpp.
template <int Width, typename T>
const Kernels<T>& kernels_of() {
  using E = Elementwise<Width, T>;
  using B = BatchNorm<Width, T>;
  using P = Pool<Width, T>;
  using R = Rows<Width, T>;
  using C = Contiguous<Width, T>;
  using N = Narrow<Width, T>;
  static constexpr Kernels<T> table = {
      .relu = E::relu,
      .relu_grad = E::relu_grad,
      .gelu = E::gelu,
      .gelu_grad = E::gelu_grad,
      .add = E::add,
      .add_relu = E::add_relu,
      .mul = E::mul,
      .scale = E::scale,
      .axpy = E::axpy,
      .narrow = N::narrow,
      .widen = N::widen,
      .relu_grad_narrow = E::relu_grad,
      .gelu_grad_narrow = E::gelu_grad,
      .grad_moments_narrow = B::grad_moments,
      .normalise_grad_narrow = B::normalise_grad,
      .moments = B::moments,
      .normalise = B::normalise,
      .grad_moments = B::grad_moments,
      .normalise_grad = B::normalise_grad,
      .fold_lanes = B::fold_lanes,
      .max_of = P::max_of,
      .add_where = P::add_where,
      .softmax = R::softmax,
      .softmax_grad = R::softmax_grad,
      .softmax_again = R::softmax_again,
      .layer_norm = R::layer_norm,
      .layer_norm_grad = R::layer_norm_grad,
      .product = Product<Width, T>::product,
      .softmax_row = C::softmax_row,
      .layer_norm_row = C::layer_norm_row,
      .layer_norm_row_grad = C::layer_norm_row_grad,
      .row_product = C::row_product,
  };
  return table;
}

}  // namespace satsuma::kernels

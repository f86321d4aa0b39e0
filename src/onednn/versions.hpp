#pragma once

#include <oneapi/dnnl/dnnl.hpp>

// oneDNN 2 (Debian 12) describes an operation and then a primitive; oneDNN 3 does both at once. All of that
// difference that Satsuma meets is here.

namespace satsuma::onednn {

/// Descriptions of the three operands, and of a convolution's window.
struct Operands {
  dnnl::memory::desc x;
  dnnl::memory::desc w;
  dnnl::memory::desc y;
  dnnl::memory::desc bias = {};  ///< of a forward convolution; zero for none
};
struct Window {
  dnnl::memory::dims stride;
  dnnl::memory::dims dilation;  ///< 0 is none
  dnnl::memory::dims padding;
};

inline constexpr auto kTraining = dnnl::prop_kind::forward_training;
inline constexpr auto kDirect = dnnl::algorithm::convolution_direct;

// A backward pass wants the description of a forward pass of the same layer, whose operands have types and
// formats of their own.

using ForwardConvolution = dnnl::convolution_forward::primitive_desc;

#if DNNL_VERSION_MAJOR >= 3

inline auto forward(const dnnl::engine& engine, const Operands& o, const Window& w,
                    const dnnl::primitive_attr& attributes = {}) {
  return ForwardConvolution(engine, kTraining, kDirect, o.x, o.w, o.bias, o.y, w.stride, w.dilation,
                            w.padding, w.padding, attributes);
}
inline auto backward_data(const dnnl::engine& engine, const Operands& o, const Window& w,
                          const ForwardConvolution& forward, const dnnl::primitive_attr& attributes = {}) {
  return dnnl::convolution_backward_data::primitive_desc(engine, kDirect, o.x, o.w, o.y, w.stride, w.dilation,
                                                         w.padding, w.padding, forward, attributes);
}
inline auto backward_weights(const dnnl::engine& engine, const Operands& o, const Window& w,
                             const ForwardConvolution& forward, const dnnl::primitive_attr& attributes = {}) {
  return dnnl::convolution_backward_weights::primitive_desc(
      engine, kDirect, o.x, o.w, o.y, w.stride, w.dilation, w.padding, w.padding, forward, attributes);
}

// Without a window: the inner product of linear layers, x [N, C], w [K, C], y [N, K].
inline auto forward(const dnnl::engine& engine, const Operands& o) {
  return dnnl::inner_product_forward::primitive_desc(engine, kTraining, o.x, o.w, o.y);
}
inline auto backward_data(const dnnl::engine& engine, const Operands& o,
                          const dnnl::inner_product_forward::primitive_desc& forward) {
  return dnnl::inner_product_backward_data::primitive_desc(engine, o.x, o.w, o.y, forward);
}
inline auto backward_weights(const dnnl::engine& engine, const Operands& o,
                             const dnnl::inner_product_forward::primitive_desc& forward) {
  return dnnl::inner_product_backward_weights::primitive_desc(engine, o.x, o.w, o.y, forward);
}

#else

inline auto forward(const dnnl::engine& engine, const Operands& o, const Window& w,
                    const dnnl::primitive_attr& attributes = {}) {
  return ForwardConvolution(
      {kTraining, kDirect, o.x, o.w, o.bias, o.y, w.stride, w.dilation, w.padding, w.padding}, attributes,
      engine);
}
inline auto backward_data(const dnnl::engine& engine, const Operands& o, const Window& w,
                          const ForwardConvolution& forward, const dnnl::primitive_attr& attributes = {}) {
  return dnnl::convolution_backward_data::primitive_desc(
      {kDirect, o.x, o.w, o.y, w.stride, w.dilation, w.padding, w.padding}, attributes, engine, forward);
}
inline auto backward_weights(const dnnl::engine& engine, const Operands& o, const Window& w,
                             const ForwardConvolution& forward, const dnnl::primitive_attr& attributes = {}) {
  return dnnl::convolution_backward_weights::primitive_desc(
      {kDirect, o.x, o.w, o.y, w.stride, w.dilation, w.padding, w.padding}, attributes, engine, forward);
}

// Without a window: the inner product of linear layers, x [N, C], w [K, C], y [N, K].
inline auto forward(const dnnl::engine& engine, const Operands& o) {
  return dnnl::inner_product_forward::primitive_desc({kTraining, o.x, o.w, o.y}, engine);
}
inline auto backward_data(const dnnl::engine& engine, const Operands& o,
                          const dnnl::inner_product_forward::primitive_desc& forward) {
  return dnnl::inner_product_backward_data::primitive_desc({o.x, o.w, o.y}, engine, forward);
}
inline auto backward_weights(const dnnl::engine& engine, const Operands& o,
                             const dnnl::inner_product_forward::primitive_desc& forward) {
  return dnnl::inner_product_backward_weights::primitive_desc({o.x, o.w, o.y}, engine, forward);
}

#endif

}  // namespace satsuma::onednn

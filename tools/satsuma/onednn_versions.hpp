#pragma once

#include <oneapi/dnnl/dnnl.hpp>

// oneDNN 2 (Debian 12) describes an operation and then a primitive; oneDNN 3 does both at once. All of that
// difference that Satsuma meets is here.

namespace satsuma::tools::onednn {

/// Descriptions of the three operands, and of a convolution's window.
struct Operands {
  dnnl::memory::desc x;
  dnnl::memory::desc w;
  dnnl::memory::desc y;
};
struct Window {
  dnnl::memory::dims stride;
  dnnl::memory::dims dilation;  ///< 0 is none
  dnnl::memory::dims padding;
};

inline constexpr auto kTraining = dnnl::prop_kind::forward_training;
inline constexpr auto kDirect = dnnl::algorithm::convolution_direct;

#if DNNL_VERSION_MAJOR >= 3

inline auto forward(const dnnl::engine& engine, const Operands& o, const Window& w) {
  return dnnl::convolution_forward::primitive_desc(engine, kTraining, kDirect, o.x, o.w, o.y, w.stride,
                                                   w.dilation, w.padding, w.padding);
}
inline auto backward_data(const dnnl::engine& engine, const Operands& o, const Window& w) {
  return dnnl::convolution_backward_data::primitive_desc(engine, kDirect, o.x, o.w, o.y, w.stride, w.dilation,
                                                         w.padding, w.padding, forward(engine, o, w));
}
inline auto backward_weights(const dnnl::engine& engine, const Operands& o, const Window& w) {
  return dnnl::convolution_backward_weights::primitive_desc(
      engine, kDirect, o.x, o.w, o.y, w.stride, w.dilation, w.padding, w.padding, forward(engine, o, w));
}

// Without a window: the inner product of linear layers, x [N, C], w [K, C], y [N, K].
inline auto forward(const dnnl::engine& engine, const Operands& o) {
  return dnnl::inner_product_forward::primitive_desc(engine, kTraining, o.x, o.w, o.y);
}
inline auto backward_data(const dnnl::engine& engine, const Operands& o) {
  return dnnl::inner_product_backward_data::primitive_desc(engine, o.x, o.w, o.y, forward(engine, o));
}
inline auto backward_weights(const dnnl::engine& engine, const Operands& o) {
  return dnnl::inner_product_backward_weights::primitive_desc(engine, o.x, o.w, o.y, forward(engine, o));
}

#else

inline auto forward(const dnnl::engine& engine, const Operands& o, const Window& w) {
  return dnnl::convolution_forward::primitive_desc(
      {kTraining, kDirect, o.x, o.w, o.y, w.stride, w.dilation, w.padding, w.padding}, engine);
}
inline auto backward_data(const dnnl::engine& engine, const Operands& o, const Window& w) {
  return dnnl::convolution_backward_data::primitive_desc(
      {kDirect, o.x, o.w, o.y, w.stride, w.dilation, w.padding, w.padding}, engine, forward(engine, o, w));
}
inline auto backward_weights(const dnnl::engine& engine, const Operands& o, const Window& w) {
  return dnnl::convolution_backward_weights::primitive_desc(
      {kDirect, o.x, o.w, o.y, w.stride, w.dilation, w.padding, w.padding}, engine, forward(engine, o, w));
}

// Without a window: the inner product of linear layers, x [N, C], w [K, C], y [N, K].
inline auto forward(const dnnl::engine& engine, const Operands& o) {
  return dnnl::inner_product_forward::primitive_desc({kTraining, o.x, o.w, o.y}, engine);
}
inline auto backward_data(const dnnl::engine& engine, const Operands& o) {
  return dnnl::inner_product_backward_data::primitive_desc({o.x, o.w, o.y}, engine, forward(engine, o));
}
inline auto backward_weights(const dnnl::engine& engine, const Operands& o) {
  return dnnl::inner_product_backward_weights::primitive_desc({o.x, o.w, o.y}, engine, forward(engine, o));
}

#endif

}  // namespace satsuma::tools::onednn

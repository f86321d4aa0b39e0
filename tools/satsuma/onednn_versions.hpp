#pragma once

#include <oneapi/dnnl/dnnl.hpp>

// oneDNN 2 (Debian 12) describes an operation and then a primitive; oneDNN 3 does both at once. All of that
// difference that Satsuma meets is here.

namespace satsuma::tools::onednn {

struct Convolution {
  dnnl::memory::desc x;
  dnnl::memory::desc w;
  dnnl::memory::desc y;
  dnnl::memory::dims stride;
  dnnl::memory::dims dilation;  ///< 0 is none
  dnnl::memory::dims padding;
};

using Forward = dnnl::convolution_forward;
using BackwardData = dnnl::convolution_backward_data;
using BackwardWeights = dnnl::convolution_backward_weights;

inline constexpr auto kKind = dnnl::algorithm::convolution_direct;

#if DNNL_VERSION_MAJOR >= 3

inline Forward::primitive_desc forward(const dnnl::engine& engine, const Convolution& c) {
  return {engine,   dnnl::prop_kind::forward_training, kKind, c.x, c.w, c.y, c.stride, c.dilation, c.padding,
          c.padding};
}

inline BackwardData::primitive_desc backward_data(const dnnl::engine& engine, const Convolution& c) {
  return {engine, kKind, c.x, c.w, c.y, c.stride, c.dilation, c.padding, c.padding, forward(engine, c)};
}

inline BackwardWeights::primitive_desc backward_weights(const dnnl::engine& engine, const Convolution& c) {
  return {engine, kKind, c.x, c.w, c.y, c.stride, c.dilation, c.padding, c.padding, forward(engine, c)};
}

#else

inline Forward::primitive_desc forward(const dnnl::engine& engine, const Convolution& c) {
  return {
      {dnnl::prop_kind::forward_training, kKind, c.x, c.w, c.y, c.stride, c.dilation, c.padding, c.padding},
      engine};
}

inline BackwardData::primitive_desc backward_data(const dnnl::engine& engine, const Convolution& c) {
  return {{kKind, c.x, c.w, c.y, c.stride, c.dilation, c.padding, c.padding}, engine, forward(engine, c)};
}

inline BackwardWeights::primitive_desc backward_weights(const dnnl::engine& engine, const Convolution& c) {
  return {{kKind, c.x, c.w, c.y, c.stride, c.dilation, c.padding, c.padding}, engine, forward(engine, c)};
}

#endif

}  // namespace satsuma::tools::onednn

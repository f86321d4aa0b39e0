#pragma once

#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "satsuma/autograd/node.hpp"
#include "satsuma/core/parallel.hpp"
#include "satsuma/core/tensor.hpp"

// What the differentiable functions share among themselves.

namespace satsuma::ops {

/// Elements that are worth a thread in an element-wise loop.
inline constexpr std::int64_t kGrain = std::int64_t{1} << 14;

/// The format of activations with so many lanes: 1, or kLanes.
inline MemoryFormat format_with(std::int64_t lanes) {
  return lanes == 1 ? MemoryFormat::channels_last : MemoryFormat::batch_blocked;
}

/// `x` in a format of activations with so many lanes, without its history.
inline Tensor with_lanes(const Tensor& x, std::int64_t lanes) {
  return x.to(format_with(lanes)).detach();
}

/// Lanes of the format of activations that `x` has, or would be given.
inline std::int64_t lanes_of(const Tensor& x) {
  return x.is(MemoryFormat::channels_last) ? 1 : kLanes;
}

/// `x` in a format of activations, channels-last where it is that already, without its history.
inline Tensor activation(const Tensor& x) {
  return with_lanes(x, lanes_of(x));
}

/// `x` in batch-blocked format, without its history.
inline Tensor blocked(const Tensor& x) {
  return x.to(MemoryFormat::batch_blocked).detach();
}

/// `x` without gaps, in whatever order of axes, without its history.
inline Tensor dense(const Tensor& x) {
  return x.is_dense() ? x.detach() : activation(x);
}

/// An empty tensor that lies as dense(x) does.
inline Tensor empty_as_dense(const Tensor& x) {
  return x.is_dense() ? Tensor::empty_like(x) : Tensor::empty(x.shape(), x.dtype(), format_with(lanes_of(x)));
}

/// An empty tensor of another dtype that lies as `x`, which has no gaps.
Tensor empty_as(const Tensor& x, DType dtype);

/// True when the same index means the same storage position in both, so that element-wise code may pair
/// positions.
inline bool same_arrangement(const Tensor& a, const Tensor& b) {
  if (a.lanes() != b.lanes()) return false;
  for (int i = 0; i < a.rank(); ++i) {
    const bool one = i == 0 ? a.dim(0) <= a.lanes() : a.dim(i) == 1;
    if (!one && a.layout().strides[i] != b.layout().strides[i]) return false;
  }
  return true;
}

/// `x` arranged as `like`, a dense tensor of the same shape and any dtype; without its history.
inline Tensor arranged_as(const Tensor& like, const Tensor& x) {
  if (same_arrangement(like, x)) return x.detach();
  Tensor result = empty_as(like, x.dtype());
  result.copy_from(x);
  return result;
}

/// Blocks of images: single ones in a tensor without lanes.
inline std::int64_t block_count(std::int64_t batch, std::int64_t lanes = kLanes) {
  return (batch + lanes - 1) / lanes;
}

/// Lanes of a block that hold images; the others are padding.
inline std::int64_t valid_lanes(std::int64_t batch, std::int64_t block, std::int64_t lanes = kLanes) {
  return std::min(lanes, batch - block * lanes);
}

/// Throws ShapeError, naming `op`, unless `x` is of a type that dispatch_real() takes.
inline void check_real(const char* op, const Tensor& x) {
  dispatch_real(op, x.dtype(), [](auto) {});
}

/// Extents as an attribute of an op.
inline std::vector<std::int64_t> extents(const Shape& shape) {
  return {shape.begin(), shape.end()};
}

inline void check_rank(const char* op, const char* what, const Tensor& x, int rank, const char* expected) {
  if (x.rank() != rank)
    throw ShapeError(fmt::format("[{}] got {} {}, expected {}", op, what, to_string(x.shape()), expected));
}

inline void check_shape(const char* op, const char* what, const Tensor& x, const Shape& expected) {
  if (!(x.shape() == expected)) {
    throw ShapeError(
        fmt::format("[{}] got {} {}, expected {}", op, what, to_string(x.shape()), to_string(expected)));
  }
}

inline void check_dtype(const char* op, const char* what, const Tensor& x, DType expected) {
  if (x.dtype() != expected) {
    throw ShapeError(
        fmt::format("[{}] got {} of {}, expected {}", op, what, to_string(x.dtype()), to_string(expected)));
  }
}

/// A vector of one number a channel as the kernels want it: in order, in the dtype of the data.
inline void check_vector(const char* op, const char* what, const Tensor& x, std::int64_t length,
                         DType dtype) {
  check_shape(op, what, x, Shape{length});
  check_dtype(op, what, x, dtype);
}

}  // namespace satsuma::ops

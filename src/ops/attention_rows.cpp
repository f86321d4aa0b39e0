#include "src/ops/attention_rows.hpp"

#include <algorithm>
#include <cmath>

#include "src/ops/kernels/kernels.hpp"
#include "src/ops/saved_tensor.hpp"

namespace satsuma::ops {

namespace {

/// The matrix of one head of one image, its rows contiguous.
template <typename T>
struct Head {
  T* data;
  std::int64_t row;

  kernels::StridedMatrix<const T> matrix() const { return {data, row, 1}; }
};

template <typename T, typename Of>
Head<T> head_of(Of& x, std::int64_t image, std::int64_t head) {
  const Shape& strides = x.layout().strides;
  return {x.template data<std::remove_const_t<T>>() + image * strides[0] + head * strides[1], strides[2]};
}

/// As head_of(), from bf16 in `buffer`.
template <typename T>
Head<const T> wide_head_of(const Tensor& x, std::int64_t image, std::int64_t head, std::vector<T>& buffer) {
  if (x.dtype() != DType::bf16) return head_of<const T>(x, image, head);
  const Shape& strides = x.layout().strides;
  const std::int64_t width = x.dim(3);
  buffer.resize(static_cast<std::size_t>(x.dim(2) * width));
  const std::uint16_t* const from = bits_of(x) + image * strides[0] + head * strides[1];
  for (std::int64_t t = 0; t < x.dim(2); ++t)
    kernels::active<T>().widen(from + t * strides[2], buffer.data() + t * width, width);
  return {buffer.data(), width};
}

struct Extents {
  std::int64_t images, heads, queries, keys, width;
  std::int64_t row;  ///< of a matrix with a column for each key, in whole vectors

  Extents(const Tensor& q, const Tensor& k)
      : images(q.dim(0)),
        heads(q.dim(1)),
        queries(q.dim(2)),
        keys(k.dim(2)),
        width(q.dim(3)),
        row((keys + kLanes - 1) / kLanes * kLanes) {}
  double factor() const { return 1.0 / std::sqrt(static_cast<double>(width)); }
};

/// to[x][key] = from[key][x], with zeros behind the last key.
template <typename T>
void transpose(const Extents& e, Head<const T> from, T* to) {
  for (std::int64_t x = 0; x < e.width; ++x) {
    for (std::int64_t s = 0; s < e.keys; ++s) to[x * e.row + s] = from.data[s * from.row + x];
    std::fill(to + x * e.row + e.keys, to + (x + 1) * e.row, T(0));
  }
}

/// Calls `body(image, head, index)` for each head of each image.
template <typename Body>
void for_each_head(const Extents& e, Body&& body) {
  parallel_for(e.images * e.heads, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) body(i / e.heads, i % e.heads, i);
  });
}

}  // namespace

template <typename T>
void attention_rows(const AttentionRows& x, Tensor& y, std::vector<T>& log_sum) {
  const Extents e(x.q, x.k);
  const auto& kernel = kernels::active<T>();
  for_each_head(e, [&](std::int64_t image, std::int64_t head, std::int64_t index) {
    std::vector<T> buffer(static_cast<std::size_t>((e.width + e.queries) * e.row));
    T* const keys = buffer.data();
    T* const scores = keys + e.width * e.row;
    const auto q = head_of<const T>(x.q, image, head);
    const auto v = head_of<const T>(x.v, image, head);
    const auto out = head_of<T>(y, image, head);
    transpose(e, head_of<const T>(x.k, image, head), keys);
    kernel.row_product(e.queries, e.row, e.width, q.matrix(), keys, e.row, scores, e.row,
                       static_cast<T>(e.factor()), false);
    for (std::int64_t t = 0; t < e.queries; ++t) {
      kernel.softmax_row(scores + t * e.row, scores + t * e.row, e.keys,
                         log_sum.data() + index * e.queries + t);
    }
    kernel.row_product(e.queries, e.width, e.keys, {scores, e.row, 1}, v.data, v.row, out.data, out.row, T(1),
                       false);
  });
}

/// With P = softmax(factor * q k^T): dv = P^T g; dS = factor * P * (g v^T - rowsum(g * y)); dq = dS k; dk =
/// dS^T q.
template <typename T>
void attention_rows_grad(const AttentionRows& x, const Tensor& y, const std::vector<T>& log_sum,
                         const Tensor& g, AttentionRows& to) {
  const Extents e(x.q, x.k);
  const auto& kernel = kernels::active<T>();
  for_each_head(e, [&](std::int64_t image, std::int64_t head, std::int64_t index) {
    std::vector<T> buffer(static_cast<std::size_t>((e.width + 2 * e.queries) * e.row));
    T* const turned = buffer.data();
    T* const p = turned + e.width * e.row;
    T* const dp = p + e.queries * e.row;
    std::vector<T> wide_q, wide_k, wide_v, wide_y;
    const auto q = wide_head_of(x.q, image, head, wide_q);
    const auto k = wide_head_of(x.k, image, head, wide_k);
    const auto v = wide_head_of(x.v, image, head, wide_v);
    const auto out = wide_head_of(y, image, head, wide_y);
    const auto dy = head_of<const T>(g, image, head);
    const T factor = static_cast<T>(e.factor());
    transpose(e, k, turned);
    kernel.row_product(e.queries, e.row, e.width, q.matrix(), turned, e.row, p, e.row, factor, false);
    transpose(e, v, turned);
    kernel.row_product(e.queries, e.row, e.width, dy.matrix(), turned, e.row, dp, e.row, T(1), false);
    for (std::int64_t t = 0; t < e.queries; ++t) {
      // The kernel for lanes, all of them of one row here.
      alignas(64) T sums[kLanes];
      alignas(64) T delta[kLanes] = {};
      std::fill_n(sums, kLanes, log_sum[static_cast<std::size_t>(index * e.queries + t)]);
      T dot = T(0);
      for (std::int64_t i = 0; i < e.width; ++i) dot += out.data[t * out.row + i] * dy.data[t * dy.row + i];
      std::fill_n(delta, kLanes, dot);
      kernel.softmax_again(p + t * e.row, dp + t * e.row, e.row / kLanes, sums, delta, factor);
    }
    const auto dq = head_of<T>(to.q, image, head);
    const auto dk = head_of<T>(to.k, image, head);
    const auto dv = head_of<T>(to.v, image, head);
    kernel.row_product(e.queries, e.width, e.keys, {dp, e.row, 1}, k.data, k.row, dq.data, dq.row, T(1),
                       false);
    kernel.row_product(e.keys, e.width, e.queries, {dp, 1, e.row}, q.data, q.row, dk.data, dk.row, T(1),
                       false);
    kernel.row_product(e.keys, e.width, e.queries, {p, 1, e.row}, dy.data, dy.row, dv.data, dv.row, T(1),
                       false);
  });
}

template void attention_rows(const AttentionRows&, Tensor&, std::vector<float>&);
template void attention_rows(const AttentionRows&, Tensor&, std::vector<double>&);
template void attention_rows_grad(const AttentionRows&, const Tensor&, const std::vector<float>&,
                                  const Tensor&, AttentionRows&);
template void attention_rows_grad(const AttentionRows&, const Tensor&, const std::vector<double>&,
                                  const Tensor&, AttentionRows&);

}  // namespace satsuma::ops

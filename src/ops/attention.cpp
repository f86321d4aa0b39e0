#include "satsuma/ops/attention.hpp"

#include <array>
#include <cmath>
#include <vector>

#include "src/ops/attention_rows.hpp"
#include "src/ops/kernels/kernels.hpp"
#include "src/ops/saved_tensor.hpp"
#include "src/ops/support.hpp"

namespace satsuma::ops {

namespace {

/// Rows of the matrix of scores that are made at a time, so that they stay in the second-level cache.
constexpr std::int64_t kRows = 16;

/// `x` [N, heads, T, d] with sixteen images side by side, whatever the order of the other axes; or, with one
/// lane, with contiguous rows.
Tensor operand(const Tensor& x, std::int64_t lanes) {
  if (lanes == kLanes) return (x.lanes() == kLanes ? x : x.to(MemoryFormat::batch_blocked)).detach();
  const bool contiguous = x.lanes() == 1 && (x.layout().strides[3] == 1 || x.dim(3) == 1);
  return (contiguous ? x : x.to(MemoryFormat::row_major)).detach();
}

/// Tokens [N, T, heads * d], seen as [N, heads, T, d].
Tensor heads_of(const Tensor& tokens, std::int64_t heads) {
  const std::array<int, 4> axes = {0, 2, 1, 3};
  return tokens.reshape_view({tokens.dim(0), tokens.dim(1), heads, tokens.dim(2) / heads}).permute_view(axes);
}

/// [N, heads, T, d] that lies as [N, T, heads, d] does: what a transformer makes its heads of, and wants
/// back.
Tensor empty_heads(const Shape& shape, DType dtype, std::int64_t lanes) {
  return heads_of(Tensor::empty({shape[0], shape[2], shape[1] * shape[3]}, dtype, format_with(lanes)),
                  shape[1]);
}

/// Row by row the matrix of one head of one block of images.
template <typename T, typename Of>
kernels::LaneMatrix<T> head(Of& x, std::int64_t block, std::int64_t index) {
  const Shape& strides = x.layout().strides;
  return {x.template data<std::remove_const_t<T>>() + block * strides[0] + index * strides[1], strides[2],
          strides[3]};
}

template <typename T>
kernels::LaneMatrix<T> from_row(kernels::LaneMatrix<T> m, std::int64_t row) {
  return {m.data + row * m.row, m.row, m.column};
}

template <typename T>
kernels::LaneMatrix<T> transposed(kernels::LaneMatrix<T> m) {
  return {m.data, m.column, m.row};
}

template <typename T>
kernels::LaneMatrix<const T> read(kernels::LaneMatrix<T> m) {
  return {m.data, m.row, m.column};
}

/// Extents of one attention: blocks of images, heads, T queries, S keys, d numbers each.
struct Extents {
  std::int64_t blocks, heads, queries, keys, width;

  Extents(const Tensor& q, const Tensor& k)
      : blocks(block_count(q.dim(0))), heads(q.dim(1)), queries(q.dim(2)), keys(k.dim(2)), width(q.dim(3)) {}
  double factor() const { return 1.0 / std::sqrt(static_cast<double>(width)); }
};

/// One number for each row of each head, and each lane.
std::size_t numbers_of_rows(std::int64_t batch, std::int64_t rows, std::int64_t lanes) {
  return static_cast<std::size_t>(block_count(batch, lanes) * rows * lanes);
}

/// The three operands, or their gradients.
using Operands = AttentionRows;

/// What the derivative needs of the forward pass, seen as heads; the tensors in the dtype in which they are
/// kept.
template <typename T>
struct Saved {
  Operands x;
  Tensor y;
  std::vector<T> log_sum;
  SavedTensor output;  ///< whose view y is
};

/// Views of the parts of an activation [N, T, 3 heads d].
Operands parts_of(const Tensor& qkv, std::int64_t heads) {
  const std::int64_t width = qkv.dim(2) / 3;
  const auto part = [&](std::int64_t i) {
    return heads_of(qkv.slice_view(2, i * width, (i + 1) * width), heads);
  };
  return {part(0), part(1), part(2)};
}

/// Fills y, and log_sum [blocks][heads][T][16] or [N][heads][T].
template <typename T>
void forward(const Operands& s, Tensor& y, std::vector<T>& log_sum) {
  if (y.lanes() == 1) return attention_rows<T>(s, y, log_sum);
  const Extents e(s.q, s.k);
  const auto& kernel = kernels::active<T>();
  parallel_for(e.blocks * e.heads, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<T> buffer(static_cast<std::size_t>(kRows * e.keys * kLanes));
    const kernels::LaneMatrix<T> scores = {buffer.data(), e.keys * kLanes, kLanes};
    for (std::int64_t i = begin; i < end; ++i) {
      const auto q = head<const T>(s.q, i / e.heads, i % e.heads);
      const auto k = head<const T>(s.k, i / e.heads, i % e.heads);
      const auto v = head<const T>(s.v, i / e.heads, i % e.heads);
      const auto out = head<T>(y, i / e.heads, i % e.heads);
      for (std::int64_t t = 0; t < e.queries; t += kRows) {
        const std::int64_t rows = std::min(kRows, e.queries - t);
        kernel.product(rows, e.keys, e.width, from_row(q, t), k, scores, static_cast<T>(e.factor()), false);
        for (std::int64_t r = 0; r < rows; ++r) {
          T* const row = scores.data + r * scores.row;
          kernel.softmax(row, row, e.keys, kLanes, log_sum.data() + (i * e.queries + t + r) * kLanes);
        }
        kernel.product(rows, e.width, e.keys, read(scores), transposed(v), from_row(out, t), T(1), false);
      }
    }
  });
}

/// delta[lane] = sum of a * b over the numbers of one row.
template <typename T>
void row_dot(kernels::LaneMatrix<const T> a, kernels::LaneMatrix<const T> b, std::int64_t row,
             std::int64_t width, T* delta) {
  std::fill_n(delta, kLanes, T(0));
  for (std::int64_t x = 0; x < width; ++x) {
    const T* const left = a.data + row * a.row + x * a.column;
    const T* const right = b.data + row * b.row + x * b.column;
    for (std::int64_t lane = 0; lane < kLanes; ++lane) delta[lane] += left[lane] * right[lane];
  }
}

/// The matrix of one head of one block of images: as it is kept, or from bf16 in `buffer`, [rows][width][16].
template <typename T>
kernels::LaneMatrix<const T> wide_head(const Tensor& x, std::int64_t block, std::int64_t index,
                                       std::vector<T>& buffer) {
  if (x.dtype() != DType::bf16) return head<const T>(x, block, index);
  const Shape& strides = x.layout().strides;
  const std::int64_t width = x.dim(3);
  buffer.resize(static_cast<std::size_t>(x.dim(2) * width * kLanes));
  const std::uint16_t* const from = bits_of(x) + block * strides[0] + index * strides[1];
  const bool whole_rows = strides[3] == kLanes;
  T* to = buffer.data();
  for (std::int64_t t = 0; t < x.dim(2); ++t) {
    const std::uint16_t* const row = from + t * strides[2];
    const std::int64_t run = whole_rows ? width * kLanes : kLanes;
    for (std::int64_t i = 0; i < width * kLanes; i += run, to += run)
      kernels::active<T>().widen(row + i / kLanes * strides[3], to, run);
  }
  return {buffer.data(), width * kLanes, kLanes};
}

/// With P = softmax(factor * q k^T): dv = P^T g; dS = factor * P * (g v^T - rowsum(g * y)); dq = dS k; dk =
/// dS^T q. Fills `to`, which has as many lanes as the operands.
template <typename T>
void derivative(const Saved<T>& s, const Tensor& grad, Operands to) {
  const Tensor g = operand(grad, s.y.lanes());
  if (g.lanes() == 1) return attention_rows_grad<T>(s.x, s.y, s.log_sum, g, to);
  const Extents e(s.x.q, s.x.k);
  const auto& kernel = kernels::active<T>();
  parallel_for(e.blocks * e.heads, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<T> buffer(static_cast<std::size_t>(2 * kRows * e.keys * kLanes));
    const kernels::LaneMatrix<T> p = {buffer.data(), e.keys * kLanes, kLanes};
    const kernels::LaneMatrix<T> dp = {buffer.data() + kRows * e.keys * kLanes, e.keys * kLanes, kLanes};
    std::vector<T> wide_q, wide_k, wide_v, wide_y;
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t block = i / e.heads;
      const std::int64_t index = i % e.heads;
      const auto q = wide_head(s.x.q, block, index, wide_q);
      const auto k = wide_head(s.x.k, block, index, wide_k);
      const auto v = wide_head(s.x.v, block, index, wide_v);
      const auto y = wide_head(s.y, block, index, wide_y);
      const auto dy = head<const T>(g, block, index);
      for (std::int64_t t = 0; t < e.queries; t += kRows) {
        const std::int64_t rows = std::min(kRows, e.queries - t);
        const T factor = static_cast<T>(e.factor());
        kernel.product(rows, e.keys, e.width, from_row(q, t), k, p, factor, false);
        kernel.product(rows, e.keys, e.width, from_row(dy, t), v, dp, T(1), false);
        for (std::int64_t r = 0; r < rows; ++r) {
          alignas(64) T delta[kLanes];
          row_dot(y, dy, t + r, e.width, delta);
          kernel.softmax_again(p.data + r * p.row, dp.data + r * dp.row, e.keys,
                               s.log_sum.data() + (i * e.queries + t + r) * kLanes, delta, factor);
        }
        const bool more = t > 0;
        kernel.product(rows, e.width, e.keys, read(dp), transposed(k),
                       from_row(head<T>(to.q, block, index), t), T(1), false);
        kernel.product(e.keys, e.width, rows, transposed(read(dp)), transposed(from_row(q, t)),
                       head<T>(to.k, block, index), T(1), more);
        kernel.product(e.keys, e.width, rows, transposed(read(p)), transposed(from_row(dy, t)),
                       head<T>(to.v, block, index), T(1), more);
      }
    }
  });
}

}  // namespace

Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v) {
  check_rank("attention", "q", q, 4, "[N, heads, T, d]");
  check_rank("attention", "k", k, 4, "[N, heads, S, d]");
  check_shape("attention", "k", k, {q.dim(0), q.dim(1), k.dim(2), q.dim(3)});
  check_shape("attention", "v", v, k.shape());
  check_dtype("attention", "k", k, q.dtype());
  check_dtype("attention", "v", v, q.dtype());
  if (k.dim(2) == 0)
    throw ShapeError(fmt::format("[attention] got k {}, expected one key or more", to_string(k.shape())));
  const std::int64_t lanes = q.lanes();
  Tensor y = empty_heads(q.shape(), q.dtype(), lanes);
  const Operands operands = {operand(q, lanes), operand(k, lanes), operand(v, lanes)};
  return dispatch_real("attention", q.dtype(), [&](auto element) {
    using T = decltype(element);
    return record({"attention", {q, k, v}}, y, [&]() -> Backward {
      std::vector<T> log_sum(numbers_of_rows(q.dim(0), q.dim(1) * q.dim(2), lanes));
      forward(operands, y, log_sum);
      if (!needs_grad({q, k, v})) return {};
      const auto kept = [](const Tensor& x) { return SavedTensor(x).kept(); };
      Saved<T> saved{{kept(operands.q), kept(operands.k), kept(operands.v)}, kept(y), std::move(log_sum), {}};
      return [saved = std::move(saved)](const Tensor& g, const std::vector<bool>&) {
        const auto empty = [&](const Tensor& x) { return empty_heads(x.shape(), g.dtype(), x.lanes()); };
        const Operands grads = {empty(saved.x.q), empty(saved.x.k), empty(saved.x.v)};
        derivative(saved, g, grads);
        return std::vector<Tensor>{grads.q, grads.k, grads.v};
      };
    });
  });
}

Tensor self_attention(const Tensor& qkv, std::int64_t heads) {
  check_rank("self_attention", "qkv", qkv, 3, "[N, T, 3 D]");
  if (heads < 1 || qkv.dim(2) % (3 * heads) != 0 || qkv.dim(1) == 0) {
    throw ShapeError(
        fmt::format("[self_attention] got qkv {} for {} heads, expected one token or more and a "
                    "last axis that is a multiple of 3 heads",
                    to_string(qkv.shape()), heads));
  }
  const Tensor tokens = activation(qkv);
  const std::int64_t lanes = tokens.lanes();
  const Operands operands = parts_of(tokens, heads);
  const Shape shape = {qkv.dim(0), qkv.dim(1), qkv.dim(2) / 3};
  Tensor y = Tensor::empty(shape, qkv.dtype(), format_with(lanes));
  Tensor y_heads = heads_of(y, heads);
  return dispatch_real("self_attention", qkv.dtype(), [&](auto element) {
    using T = decltype(element);
    SavedTensor output;
    const Tensor result = record({"self_attention", {qkv}, {{"heads", heads}}}, y, [&]() -> Backward {
      std::vector<T> log_sum(numbers_of_rows(shape[0], heads * shape[1], lanes));
      forward(operands, y_heads, log_sum);
      if (!needs_grad({qkv})) return {};
      output = SavedTensor(y);
      Saved<T> saved{parts_of(SavedTensor(tokens, qkv).kept(), heads), heads_of(output.kept(), heads),
                     std::move(log_sum), output};
      return [saved = std::move(saved), heads, lanes, shape = qkv.shape()](const Tensor& g,
                                                                           const std::vector<bool>&) {
        Tensor grad = Tensor::empty(shape, g.dtype(), format_with(lanes));
        derivative(saved, heads_of(with_lanes(g, lanes), heads), parts_of(grad, heads));
        return std::vector<Tensor>{grad};
      };
    });
    output.share_with(result);
    return result;
  });
}

}  // namespace satsuma::ops

#include "satsuma/ops/arithmetic.hpp"

#include <array>

#include "src/ops/broadcast.hpp"
#include "src/ops/elementwise.hpp"

namespace satsuma::ops {

namespace {

/// y = f(a, b) where the shapes differ.
template <typename F>
Tensor combine_stretched(const char* op, const Tensor& a, const Tensor& b, const Shape& shape, F f) {
  const std::int64_t operand_lanes = lanes_of(a.numel() < b.numel() ? b : a);
  Tensor y = Tensor::empty(shape, a.dtype(), format_with(operand_lanes));
  if (shape.numel() == 0) return y;
  const Stretched left = stretch(a, shape, operand_lanes);
  const Stretched right = stretch(b, shape, operand_lanes);
  const std::int64_t lanes = y.lanes();
  const std::int64_t blocks = shape.rank() == 0 ? 1 : (shape[0] + lanes - 1) / lanes;
  const std::array<Shape, 3> strides = {y.layout().strides, left.strides, right.strides};
  dispatch_real(op, a.dtype(), [&](auto element) {
    using T = decltype(element);
    T* const to = y.data<T>();
    const T* const from_a = left.tensor.data<T>();
    const T* const from_b = right.tensor.data<T>();
    parallel_for(blocks, std::max<std::int64_t>(kGrain * blocks / y.extent(), 1),
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t block = begin; block < end; ++block) {
                     for_each_run(shape, block, strides,
                                  [&](std::int64_t count, const auto& offsets, const auto& steps) {
                                    for (std::int64_t j = 0; j < count; ++j) {
                                      T* const out = to + offsets[0] + j * steps[0];
                                      const T* const x = from_a + offsets[1] + j * steps[1];
                                      const T* const z = from_b + offsets[2] + j * steps[2];
                                      for (std::int64_t lane = 0; lane < lanes; ++lane)
                                        out[lane] = f(x[lane * left.lane], z[lane * right.lane]);
                                    }
                                  });
                   }
                 });
  });
  return y;
}

/// `kernel` for equal shapes, `f` for others.
template <typename Kernel, typename F>
Tensor combine(const char* op, const Tensor& a, const Tensor& b, Kernel kernel, F f) {
  check_dtype(op, "second operand", b, a.dtype());
  if (a.shape() == b.shape()) {
    const Tensor left = dense(a);
    return map(op, left, arranged_as(left, b), kernel);
  }
  return combine_stretched(op, a, b, broadcast(op, a.shape(), b.shape()), f);
}

Tensor multiply(const Tensor& a, const Tensor& b) {
  return combine(
      "mul", a, b, [](const auto& k, auto* x, auto* z, auto* y, std::int64_t n) { k.mul(x, z, y, n); },
      [](auto x, auto z) { return x * z; });
}

Tensor scaled(const Tensor& x, double factor) {
  return map("scale", dense(x), [factor](const auto& k, auto* from, auto* to, std::int64_t n) {
    using T = std::remove_reference_t<decltype(*to)>;
    k.scale(from, static_cast<T>(factor), to, n);
  });
}

}  // namespace

Tensor add(const Tensor& a, const Tensor& b) {
  Tensor y = combine(
      "add", a, b, [](const auto& k, auto* x, auto* z, auto* to, std::int64_t n) { k.add(x, z, to, n); },
      [](auto x, auto z) { return x + z; });
  return record("add", {a, b}, y,
                [left = a.shape(), right = b.shape()](const Tensor& g, const std::vector<bool>& needs) {
                  return std::vector<Tensor>{needs[0] ? sum_to(g, left) : Tensor(),
                                             needs[1] ? sum_to(g, right) : Tensor()};
                });
}

Tensor add_relu(const Tensor& a, const Tensor& b) {
  check_shape("add_relu", "second operand", b, a.shape());
  check_dtype("add_relu", "second operand", b, a.dtype());
  const Tensor left = dense(a);
  Tensor y = map("add_relu", left, arranged_as(left, b),
                 [](const auto& k, auto* x, auto* z, auto* to, std::int64_t n) { k.add_relu(x, z, to, n); });
  if (!needs_grad({a, b})) return y;
  return record("add_relu", {a, b}, y, [y = y.detach()](const Tensor& g, const std::vector<bool>& needs) {
    const Tensor masked = relu_grad(y, g);
    return std::vector<Tensor>{needs[0] ? masked : Tensor(), needs[1] ? masked : Tensor()};
  });
}

Tensor mul(const Tensor& a, const Tensor& b) {
  Tensor y = multiply(a, b);
  if (!needs_grad({a, b})) return y;
  // Each operand is saved only for the gradient of the other.
  const Tensor left = b.requires_grad() ? a.detach() : Tensor();
  const Tensor right = a.requires_grad() ? b.detach() : Tensor();
  return record("mul", {a, b}, y,
                [left, right, left_shape = a.shape(), right_shape = b.shape()](
                    const Tensor& g, const std::vector<bool>& needs) {
                  return std::vector<Tensor>{needs[0] ? sum_to(multiply(g, right), left_shape) : Tensor(),
                                             needs[1] ? sum_to(multiply(g, left), right_shape) : Tensor()};
                });
}

Tensor scale(const Tensor& x, double factor) {
  return record("scale", {x}, scaled(x, factor), [factor](const Tensor& g, const std::vector<bool>&) {
    return std::vector<Tensor>{scaled(g, factor)};
  });
}

}  // namespace satsuma::ops

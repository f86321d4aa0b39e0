#include "satsuma/ops/arithmetic.hpp"

#include <array>

#include "src/ops/broadcast.hpp"
#include "src/ops/elementwise.hpp"

namespace satsuma::ops {

namespace {

/// An empty result of two operands that broadcast.
Tensor empty_result(const char* op, const Tensor& a, const Tensor& b) {
  check_dtype(op, "second operand", b, a.dtype());
  if (a.shape() == b.shape()) {
    check_real(op, a);
    return empty_as_dense(a);
  }
  const Shape shape = broadcast(op, a.shape(), b.shape());
  check_real(op, a);
  return Tensor::empty(shape, a.dtype(), format_with(lanes_of(a.numel() < b.numel() ? b : a)));
}

/// y = f(a, b) where the shapes differ.
template <typename F>
void combine_stretched(const char* op, const Tensor& a, const Tensor& b, Tensor& y, F f) {
  const Shape& shape = y.shape();
  if (shape.numel() == 0) return;
  const std::int64_t operand_lanes = lanes_of(a.numel() < b.numel() ? b : a);
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
}

/// Fills an empty_result(): by `kernel` for equal shapes, by `f` for others.
template <typename Kernel, typename F>
void combine(const char* op, const Tensor& a, const Tensor& b, Tensor& y, Kernel kernel, F f) {
  if (a.shape() == b.shape()) {
    const Tensor left = dense(a);
    map(op, left, arranged_as(left, b), y, kernel);
  } else {
    combine_stretched(op, a, b, y, f);
  }
}

void multiply(const Tensor& a, const Tensor& b, Tensor& y) {
  combine(
      "mul", a, b, y, [](const auto& k, auto* x, auto* z, auto* to, std::int64_t n) { k.mul(x, z, to, n); },
      [](auto x, auto z) { return x * z; });
}

Tensor product(const Tensor& a, const Tensor& b) {
  Tensor y = empty_result("mul", a, b);
  multiply(a, b, y);
  return y;
}

void scale_into(const Tensor& x, double factor, Tensor& y) {
  map("scale", dense(x), y, [factor](const auto& k, auto* from, auto* to, std::int64_t n) {
    using T = std::remove_reference_t<decltype(*to)>;
    k.scale(from, static_cast<T>(factor), to, n);
  });
}

}  // namespace

Tensor add(const Tensor& a, const Tensor& b) {
  Tensor y = empty_result("add", a, b);
  return record({"add", {a, b}}, y, [&]() -> Backward {
    combine(
        "add", a, b, y, [](const auto& k, auto* x, auto* z, auto* to, std::int64_t n) { k.add(x, z, to, n); },
        [](auto x, auto z) { return x + z; });
    return [left = a.shape(), right = b.shape()](const Tensor& g, const std::vector<bool>& needs) {
      return std::vector<Tensor>{needs[0] ? sum_to(g, left) : Tensor(),
                                 needs[1] ? sum_to(g, right) : Tensor()};
    };
  });
}

Tensor add_relu(const Tensor& a, const Tensor& b) {
  check_shape("add_relu", "second operand", b, a.shape());
  check_dtype("add_relu", "second operand", b, a.dtype());
  check_real("add_relu", a);
  const Tensor left = dense(a);
  Tensor y = Tensor::empty_like(left);
  SavedTensor saved;
  const Tensor output = record({"add_relu", {a, b}}, y, [&]() -> Backward {
    map("add_relu", left, arranged_as(left, b), y,
        [](const auto& k, auto* x, auto* z, auto* to, std::int64_t n) { k.add_relu(x, z, to, n); });
    if (!needs_grad({a, b})) return {};
    saved = SavedTensor(y);
    return [saved](const Tensor& g, const std::vector<bool>& needs) {
      const Tensor masked = relu_grad(saved, g);
      return std::vector<Tensor>{needs[0] ? masked : Tensor(), needs[1] ? masked : Tensor()};
    };
  });
  saved.share_with(output);
  return output;
}

Tensor mul(const Tensor& a, const Tensor& b) {
  Tensor y = empty_result("mul", a, b);
  return record({"mul", {a, b}}, y, [&]() -> Backward {
    multiply(a, b, y);
    // Each operand is saved only for the gradient of the other.
    const Tensor left = b.requires_grad() ? a.detach() : Tensor();
    const Tensor right = a.requires_grad() ? b.detach() : Tensor();
    return [left, right, left_shape = a.shape(), right_shape = b.shape()](const Tensor& g,
                                                                          const std::vector<bool>& needs) {
      return std::vector<Tensor>{needs[0] ? sum_to(product(g, right), left_shape) : Tensor(),
                                 needs[1] ? sum_to(product(g, left), right_shape) : Tensor()};
    };
  });
}

Tensor scale(const Tensor& x, double factor) {
  check_real("scale", x);
  Tensor y = empty_as_dense(x);
  return record({"scale", {x}, {{"factor", factor}}}, y, [&]() -> Backward {
    scale_into(x, factor, y);
    return [factor](const Tensor& g, const std::vector<bool>&) {
      Tensor dx = empty_as_dense(g);
      scale_into(g, factor, dx);
      return std::vector<Tensor>{dx};
    };
  });
}

}  // namespace satsuma::ops

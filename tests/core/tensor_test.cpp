// Views and copies of tensors in every layout against index arithmetic on row-major numbers.

#include "satsuma/core/tensor.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <string>
#include <vector>

#include "satsuma/core/allocator.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/core/no_storage.hpp"

namespace satsuma::testing {

namespace {

constexpr MemoryFormat kFormats[] = {MemoryFormat::row_major, MemoryFormat::channels_last,
                                     MemoryFormat::batch_blocked};

const std::vector<Shape>& shapes() {
  static const std::vector<Shape> all = {{5},           {3, 4},          {16, 3},      {17, 1},
                                         {33, 5, 2},    {2, 3, 4, 5},    {1, 7, 1, 3}, {16, 2, 3, 3},
                                         {35, 3, 2, 4}, {18, 2, 1, 3, 2}};
  return all;
}

/// Element i of the row-major order is i.
Tensor counting(const Shape& shape, MemoryFormat format, DType dtype = DType::f32) {
  std::vector<double> values(static_cast<std::size_t>(shape.numel()));
  std::iota(values.begin(), values.end(), 0.0);
  Tensor result = Tensor::empty(shape, dtype, format);
  result.fill(-1);
  result.copy_from(Tensor::from(values, shape));
  return result;
}

/// Calls `f(index)` for each index of the shape, in row-major order.
template <typename F>
void for_each_index(const Shape& shape, F&& f) {
  Shape index = shape;
  for (std::int64_t flat = 0; flat < shape.numel(); ++flat) {
    std::int64_t rest = flat;
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      index[axis] = rest % shape[axis];
      rest /= shape[axis];
    }
    f(index, flat);
  }
}

/// The value at an index, by the definition of the layout.
double value_at(const Tensor& x, const Shape& index) {
  const Layout& layout = x.layout();
  std::int64_t offset = 0;
  for (int axis = 0; axis < x.rank(); ++axis) {
    offset += axis == 0 ? index[0] / layout.lanes * layout.strides[0] + index[0] % layout.lanes
                        : index[axis] * layout.strides[axis];
  }
  return static_cast<double>(x.data<float>()[offset]);
}

template <typename F>
void for_each_tensor(F&& f) {
  for (const Shape& shape : shapes()) {
    for (const MemoryFormat format : kFormats) {
      const std::string name = to_string(shape) + " in format " + std::to_string(static_cast<int>(format));
      CAPTURE(name);
      f(counting(shape, format));
    }
  }
}

}  // namespace

TEST_CASE("formats lay elements out as they say") {
  // Offsets of the element (n, c, h, w) of [N, C, H, W] = [35, 3, 2, 4], written out.
  const Shape shape = {35, 3, 2, 4};
  const Tensor blocked = counting(shape, MemoryFormat::batch_blocked);
  const Tensor last = counting(shape, MemoryFormat::channels_last);
  CHECK(blocked.extent() == 48 * 3 * 2 * 4);
  CHECK(blocked.lanes() == 16);
  for_each_index(shape, [&](const Shape& i, std::int64_t flat) {
    CHECK(blocked.offset(i) == ((i[0] / 16 * 2 + i[2]) * 4 + i[3]) * 3 * 16 + i[1] * 16 + i[0] % 16);
    CHECK(last.offset(i) == ((i[0] * 2 + i[2]) * 4 + i[3]) * 3 + i[1]);
    CHECK(value_at(blocked, i) == static_cast<double>(flat));
  });
  const Tensor tokens = counting({17, 5, 3}, MemoryFormat::batch_blocked);
  CHECK(tokens.offset({16, 4, 2}) == (5 + 4) * 3 * 16 + 2 * 16);
}

TEST_CASE("to_vector, offset, item and for_each_offset visit elements in row-major order") {
  for_each_tensor([](const Tensor& x) {
    const std::vector<double> values = x.to_vector<double>();
    REQUIRE(static_cast<std::int64_t>(values.size()) == x.numel());
    for_each_index(x.shape(), [&](const Shape& index, std::int64_t flat) {
      REQUIRE(values[static_cast<std::size_t>(flat)] == static_cast<double>(flat));
      REQUIRE(value_at(x, index) == static_cast<double>(flat));
    });
    CHECK(x.is_dense());
  });
  CHECK(Tensor::full({1, 1}, 2.5).item() == 2.5);
  CHECK(Tensor::full({}, 3.5, DType::f64).item() == 3.5);
  CHECK_THROWS_AS(Tensor::zeros({2}).item(), ShapeError);
}

TEST_CASE("copies between all formats and types") {
  for_each_tensor([](const Tensor& x) {
    for (const MemoryFormat format : kFormats) {
      const Tensor copy = x.to(format);
      CHECK(copy.is(format));
      CHECK(copy.to_vector<float>() == x.to_vector<float>());
      CHECK(copy.same_as(x) == x.is(format));
      for (const DType dtype : {DType::f64, DType::i64, DType::bf16, DType::f16, DType::f32}) {
        if (x.numel() > 256 && dtype == DType::bf16) continue;  // integers beyond 8 bits are not exact
        CHECK(copy.to(dtype).to_vector<float>() == x.to_vector<float>());
      }
    }
    const Tensor clone = x.clone();
    CHECK(clone.raw() != x.raw());
    CHECK(clone.layout() == x.layout());
    CHECK(clone.to_vector<float>() == x.to_vector<float>());
    CHECK(!Tensor::empty_like(x).same_as(x));
  });
}

TEST_CASE("permute_view moves axes") {
  for_each_tensor([](const Tensor& x) {
    std::vector<int> axes(static_cast<std::size_t>(x.rank()));
    std::iota(axes.begin(), axes.end(), 0);
    do {
      const Tensor y = x.permute_view(axes);
      const std::vector<double> values = y.to_vector<double>();
      for_each_index(y.shape(), [&](const Shape& index, std::int64_t flat) {
        Shape from = index;
        for (int i = 0; i < y.rank(); ++i) from[axes[static_cast<std::size_t>(i)]] = index[i];
        REQUIRE(values[static_cast<std::size_t>(flat)] == value_at(x, from));
      });
      if (x.lanes() == 1 || axes[0] == 0) CHECK(y.raw() == x.raw());
    } while (x.rank() <= 4 && std::next_permutation(axes.begin(), axes.end()));
  });
}

TEST_CASE("slice_view cuts any axis, at any place") {
  for_each_tensor([](const Tensor& x) {
    for (int axis = 0; axis < x.rank(); ++axis) {
      for (const std::int64_t begin : {std::int64_t{0}, std::int64_t{1}, x.dim(axis) - 1, std::int64_t{16}}) {
        if (begin > x.dim(axis)) continue;
        const std::int64_t end = std::min(x.dim(axis), begin + 20);
        const Tensor y = x.slice_view(axis, begin, end);
        CHECK(y.dim(axis) == end - begin);
        const std::vector<double> values = y.to_vector<double>();
        for_each_index(y.shape(), [&](const Shape& index, std::int64_t flat) {
          Shape from = index;
          from[axis] += begin;
          REQUIRE(values[static_cast<std::size_t>(flat)] == value_at(x, from));
        });
      }
    }
  });
}

TEST_CASE("writing through a view of a slice reaches the tensor") {
  for (const MemoryFormat format : kFormats) {
    Tensor x = Tensor::zeros({20, 4, 3, 2}, DType::f32, format);
    x.slice_view(1, 1, 3).copy_from(counting({20, 2, 3, 2}, MemoryFormat::row_major));
    x.slice_view(3, 1, 2).fill(-5);
    const std::vector<float> values = x.to_vector<float>();
    for_each_index(x.shape(), [&](const Shape& i, std::int64_t flat) {
      const bool inside = i[1] >= 1 && i[1] < 3;
      const float expected = i[3] == 1 ? -5.0f
                             : inside  ? static_cast<float>(((i[0] * 2 + i[1] - 1) * 3 + i[2]) * 2)
                                       : 0.0f;
      REQUIRE(values[static_cast<std::size_t>(flat)] == expected);
    });
  }
}

TEST_CASE("writing to a slice of the batch spares its neighbours in the block") {
  Tensor x = counting({20, 3, 2}, MemoryFormat::batch_blocked);
  const std::vector<float> before = x.to_vector<float>();
  const auto rest_is_untouched = [&] {
    const std::vector<float> after = x.to_vector<float>();
    return std::equal(after.begin() + 5 * 6, after.end(), before.begin() + 5 * 6);
  };
  Tensor slice = x.slice_view(0, 0, 5);
  slice.copy_from(Tensor::full({5, 3, 2}, -1.0, DType::f32, MemoryFormat::batch_blocked));
  CHECK(rest_is_untouched());
  slice.copy_from(Tensor::full({5, 3, 2}, -2.0, DType::f64, MemoryFormat::row_major));
  CHECK(rest_is_untouched());
  slice.fill(-3.0);
  CHECK(rest_is_untouched());
  CHECK(slice.to_vector<float>() == std::vector<float>(30, -3.0f));
}

TEST_CASE("reshape_view keeps the row-major order, or refuses") {
  const auto factorings = [](std::int64_t n) {
    std::vector<Shape> result = {{n}, {1, n}, {n, 1}};
    for (std::int64_t a = 2; a < n; ++a) {
      if (n % a != 0) continue;
      result.push_back({a, n / a});
      for (std::int64_t b = 2; b < n / a; ++b) {
        if (n / a % b == 0) result.push_back({a, b, 1, n / a / b});
      }
    }
    return result;
  };
  int views = 0;
  for_each_tensor([&](const Tensor& x) {
    for (const Shape& shape : factorings(x.numel())) {
      const Tensor y = x.reshape_view(shape);
      if (!y.defined()) {
        // A view of row-major numbers always exists.
        CHECK(!x.is(MemoryFormat::row_major));
        continue;
      }
      ++views;
      CHECK(y.raw() == x.raw());
      CHECK(y.to_vector<float>() == x.to_vector<float>());
    }
  });
  CHECK(views > 200);
  // What transformers rely on: joining and splitting axes behind the batch of a blocked tensor.
  const Tensor tokens = counting({20, 6, 8}, MemoryFormat::batch_blocked);
  const Tensor split = tokens.reshape_view({20, 2, 3, 4, 2});
  REQUIRE(split.defined());
  CHECK(split.to_vector<float>() == tokens.to_vector<float>());
  CHECK(split.reshape_view({20, 48}).raw() == tokens.raw());
  CHECK(counting({20, 5, 1, 1}, MemoryFormat::batch_blocked)
            .reshape_view({20, 5})
            .is(MemoryFormat::batch_blocked));
  CHECK(!counting({20, 5, 2, 2}, MemoryFormat::batch_blocked).reshape_view({20, 20}).defined());
}

TEST_CASE("views of permuted and sliced tensors") {
  for (const MemoryFormat format : kFormats) {
    const Tensor x = counting({18, 4, 6}, format);
    const std::array<int, 3> axes = {0, 2, 1};
    const Tensor y = x.permute_view(axes).slice_view(1, 2, 5);
    const std::vector<double> values = y.to_vector<double>();
    for_each_index(y.shape(), [&](const Shape& i, std::int64_t flat) {
      REQUIRE(values[static_cast<std::size_t>(flat)] == value_at(x, {i[0], i[2], i[1] + 2}));
    });
    CHECK(y.to(MemoryFormat::batch_blocked).to_vector<double>() == values);
    CHECK(y.clone().to_vector<double>() == values);
    CHECK(!y.is_dense());
  }
}

TEST_CASE("padding lanes of fresh tensors are zero") {
  const Tensor x = Tensor::empty({18, 3, 2, 2}, DType::f32, MemoryFormat::batch_blocked);
  const float* const data = x.data<float>();
  for (std::int64_t pixel = 0; pixel < 4 * 3; ++pixel) {
    for (int lane = 2; lane < 16; ++lane) REQUIRE(data[(4 * 3 + pixel) * 16 + lane] == 0.0f);
  }
}

TEST_CASE("empty tensors") {
  for (const MemoryFormat format : kFormats) {
    const Tensor x = Tensor::zeros({0, 3, 2, 2}, DType::f32, format);
    CHECK(x.numel() == 0);
    CHECK(x.to_vector<float>().empty());
    CHECK(x.clone().numel() == 0);
    CHECK(x.to(DType::f64).numel() == 0);
    CHECK(x.reshape_view({0, 12}).numel() == 0);
  }
}

TEST_CASE("misuse is refused") {
  const Tensor x = counting({2, 3}, MemoryFormat::row_major);
  CHECK_THROWS_AS(x.data<double>(), ShapeError);
  CHECK_THROWS_AS(x.dim(2), ShapeError);
  CHECK(x.dim(-1) == 3);
  CHECK_THROWS_AS(x.reshape_view({7}), ShapeError);
  CHECK_THROWS_AS(x.slice_view(1, 2, 1), ShapeError);
  CHECK_THROWS_AS(Tensor::from(std::vector<float>{1, 2}, {3}), ShapeError);
  CHECK_THROWS_AS(Tensor().shape(), Error);
  CHECK_THROWS_AS(x.clone().copy_from(counting({3, 2}, MemoryFormat::row_major)), ShapeError);
  CHECK_THROWS_AS(Tensor::zeros({2}, DType::i64).set_requires_grad(), ShapeError);
  CHECK_THROWS_AS(Tensor::zeros({std::int64_t{1} << 40, std::int64_t{1} << 40}), ShapeError);
  CHECK_THROWS_AS(Tensor::zeros({-1}), ShapeError);
}

TEST_CASE("tensors made under NoStorage have a shape and no elements") {
  const Tensor real = Tensor::full({2, 3}, 4.0);
  const std::size_t before = memory_use().in_use;
  Tensor x;
  {
    const NoStorage shapes_only;
    { const NoStorage again; }
    x = Tensor::zeros({std::int64_t{1} << 20, 3, 1024, 1024}, DType::f64, MemoryFormat::batch_blocked);
    CHECK(memory_use().in_use == before);
    CHECK(x.is(MemoryFormat::batch_blocked));
    CHECK(x.is_dense());
    for (Tensor made :
         {x.to(MemoryFormat::channels_last), x.to(DType::f32), x.clone(), Tensor::empty_like(real),
          Tensor::from(std::vector<float>{1, 2}, {2}), real.to(DType::f64), x.slice_view(1, 0, 2),
          x.reshape_view({x.dim(0), 3, 1024 * 1024})}) {
      CHECK_FALSE(made.has_storage());
      made.fill(1);
    }
    // No memory could hold it, with elements or without.
    CHECK_THROWS_AS(Tensor::empty({std::int64_t{1} << 60, 1024}), ShapeError);
    CHECK_THROWS_AS(Tensor::from(std::vector<float>{1, 2}, {3}), ShapeError);
    CHECK(real.has_storage());
  }
  CHECK(Tensor::zeros({0}).has_storage());
  Tensor y = Tensor::full({2, 3}, 4.0);
  CHECK(y.has_storage());
  const Tensor twin = [] {
    const NoStorage shapes_only;
    return Tensor::empty({2, 3});
  }();
  std::string message;
  try {
    y.copy_from(twin);
  } catch (const Error& error) {
    message = error.what();
  }
  CHECK(message.find("[2, 3]") != std::string::npos);
  CHECK(message.find("has none") != std::string::npos);
  CHECK_THROWS_AS(x.raw(), Error);
  CHECK_THROWS_AS(x.data<double>(), Error);
  CHECK_THROWS_AS(twin.to_vector<float>(), Error);
  CHECK_THROWS_AS(twin.to(DType::f64), Error);
}

}  // namespace satsuma::testing

// The kernels of all instruction sets that this CPU has, side by side in one process, on lengths that leave
// every loop a remainder.

#include "src/ops/kernels/kernels.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "satsuma/core/half.hpp"
#include "satsuma/core/rng.hpp"
#include "src/ops/kernels/functions.hpp"

namespace satsuma::testing {

namespace {

template <typename T>
using Table = kernels::Kernels<T>;

template <typename T>
std::vector<T> noise(std::size_t count, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<T> values(count);
  for (T& value : values) value = static_cast<T>(rng.normal());
  return values;
}

/// Results of `run(table)` for every instruction set are those of the plain one.
template <typename T>
void compare(const std::string& name, const std::function<std::vector<T>(const Table<T>&)>& run) {
  CAPTURE(name);
  const std::vector<T> expected = run(kernels::kernels_of<16, T>());
  const auto check = [&](const Table<T>& table, int width) {
    CAPTURE(width);
    const std::vector<T> got = run(table);
    REQUIRE(got.size() == expected.size());
    const double tolerance = sizeof(T) == 4 ? 3e-6 : 1e-14;
    for (std::size_t i = 0; i < got.size(); ++i) {
      const double want = static_cast<double>(expected[i]);
      REQUIRE(std::abs(static_cast<double>(got[i]) - want) <= tolerance * std::max(1.0, std::abs(want)));
    }
  };
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    check(kernels::kernels_of<32, T>(), 32);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    check(kernels::kernels_of<64, T>(), 64);
  }
#endif
}

template <typename T>
void compare_all() {
  using Vector = std::vector<T>;
  for (const std::size_t n : {1u, 15u, 16u, 33u, 259u, 512u}) {
    CAPTURE(n);
    const auto size = static_cast<std::int64_t>(n);
    const Vector a = noise<T>(n, 1);
    const Vector b = noise<T>(n, 2);
    const auto unary = [&](auto member) {
      return [&, member](const Table<T>& k) {
        Vector y(n);
        (k.*member)(a.data(), y.data(), size);
        return y;
      };
    };
    const auto binary = [&](auto member) {
      return [&, member](const Table<T>& k) {
        Vector y(n);
        (k.*member)(a.data(), b.data(), y.data(), size);
        return y;
      };
    };
    compare<T>("relu", unary(&Table<T>::relu));
    compare<T>("gelu", unary(&Table<T>::gelu));
    compare<T>("relu_grad", binary(&Table<T>::relu_grad));
    compare<T>("gelu_grad", binary(&Table<T>::gelu_grad));
    compare<T>("add", binary(&Table<T>::add));
    compare<T>("add_relu", binary(&Table<T>::add_relu));
    compare<T>("mul", binary(&Table<T>::mul));
    compare<T>("scale and axpy", [&](const Table<T>& k) {
      Vector y(n);
      k.scale(a.data(), T(0.3), y.data(), size);
      k.axpy(b.data(), T(-1.7), y.data(), size);
      return y;
    });
    compare<T>("max_of and add_where", [&](const Table<T>& k) {
      const T* const runs[] = {a.data(), b.data(), a.data()};
      const std::uint8_t ids[] = {4, 7, 200};
      Vector y(n);
      std::vector<std::uint8_t> which(n);
      k.max_of(runs, ids, 3, size, y.data(), which.data());
      for (std::size_t i = 0; i < n; ++i) REQUIRE(which[i] == (b[i] > a[i] ? 7 : 4));
      k.add_where(a.data(), which.data(), 7, size, y.data());
      return y;
    });
  }

  for (const std::int64_t rows : {1, 3, 8, 13}) {
    CAPTURE(rows);
    const auto n = static_cast<std::size_t>(rows * 16);
    const Vector x = noise<T>(n, 3);
    const Vector g = noise<T>(n, 4);
    const Vector gamma = noise<T>(n, 5);
    compare<T>("softmax", [&](const Table<T>& k) {
      Vector y(2 * n + 16);
      k.softmax(x.data(), y.data(), rows, 16, y.data() + 2 * n);
      k.softmax_grad(y.data(), g.data(), y.data() + n, rows, 16);
      return y;
    });
    compare<T>("softmax again", [&](const Table<T>& k) {
      Vector y = x;
      y.insert(y.end(), g.begin(), g.end());
      k.softmax_again(y.data(), y.data() + n, rows, gamma.data(), gamma.data(), T(0.5));
      return y;
    });
    compare<T>("layer_norm", [&](const Table<T>& k) {
      Vector y(4 * n + 32);
      T* const mean = y.data() + 4 * n;
      k.layer_norm(x.data(), y.data(), rows, gamma.data(), g.data(), T(0.1), mean, mean + 16);
      k.layer_norm_grad(x.data(), g.data(), y.data() + n, rows, gamma.data(), mean, mean + 16,
                        y.data() + 2 * n, y.data() + 3 * n);
      return y;
    });
    for (const bool accumulate : {false, true}) {
      compare<T>("product", [&](const Table<T>& k) {
        Vector c = noise<T>(static_cast<std::size_t>(rows * 5 * 16), 6);
        const Vector b = noise<T>(5 * n, 7);
        const Vector a = noise<T>(static_cast<std::size_t>(rows) * n, 8);
        k.product(rows, 5, rows, {a.data(), rows * 16, 16}, {b.data(), 16, 5 * 16}, {c.data(), 16, rows * 16},
                  T(0.5), accumulate);
        return c;
      });
    }
  }

  for (const std::int64_t pixels : {1, 4, 7}) {
    CAPTURE(pixels);
    const kernels::Patch patch{pixels, 5 * 16, 3 * 16};
    const std::size_t n = static_cast<std::size_t>(pixels) * 5 * 16;
    const Vector x = noise<T>(n, 9);
    const Vector g = noise<T>(n, 10);
    const Vector y = noise<T>(n, 11);
    const Vector per_channel = noise<T>(4 * 48, 12);
    const T* const p = per_channel.data();
    compare<T>("moments", [&](const Table<T>& k) {
      Vector sums(96);
      k.moments(x.data(), patch, p, sums.data(), sums.data() + 48);
      return sums;
    });
    for (const bool residual : {false, true}) {
      for (const bool relu : {false, true}) {
        compare<T>("normalise", [&](const Table<T>& k) {
          Vector out(n);
          k.normalise(x.data(), residual ? g.data() : nullptr, out.data(), patch, p + 96, p, p + 48, relu);
          return out;
        });
      }
    }
    for (const bool masked : {false, true}) {
      compare<T>("grad_moments", [&](const Table<T>& k) {
        Vector out(n + 96);
        k.grad_moments(g.data(), x.data(), y.data(), masked ? out.data() : nullptr, patch, p, out.data() + n,
                       out.data() + n + 48);
        return out;
      });
      compare<T>("normalise_grad", [&](const Table<T>& k) {
        Vector out(n);
        k.normalise_grad(g.data(), x.data(), masked ? y.data() : nullptr, out.data(), patch, p, p + 48,
                         p + 96, p + 144);
        return out;
      });
    }
    for (const std::int64_t valid : {1, 11, 16}) {
      compare<T>("fold_lanes", [&](const Table<T>& k) {
        std::vector<double> out(5);
        k.fold_lanes(x.data(), 5, valid, out.data());
        return Vector(out.begin(), out.end());
      });
    }
  }
}

/// Each kernel that reads bf16 gives the bits of the one that reads f32, for numbers that bf16 has.
void compare_narrow(const Table<float>& k) {
  using Vector = std::vector<float>;
  using Bits = std::vector<std::uint16_t>;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  Vector values = noise<float>(7 * 80, 1);
  // Ties to even both ways, the largest number, one that carries into the exponent, subnormals, and the rest.
  const float special[] = {0.0f,        -0.0f,      kInfinity,  -kInfinity, std::nanf("1"),  3.4028235e38f,
                           1.00390625f, 1.0117188f, 1.9999999f, 1e-40f,     -1.1754942e-38f, 1e-45f};
  std::copy(std::begin(special), std::end(special), values.begin());
  // A NaN whose payload is in the half that goes.
  values[12] = std::bit_cast<float>(0x7f800001u);
  const auto n = static_cast<std::int64_t>(values.size());
  Bits bits(values.size());
  k.narrow(values.data(), {1, n, n}, nullptr, bits.data());
  for (std::size_t i = 0; i < values.size(); ++i) {
    CAPTURE(i);
    REQUIRE(bits[i] == BFloat16(values[i]).bits);
  }
  Vector wide(values.size());
  k.widen(bits.data(), wide.data(), n);
  for (std::size_t i = 0; i < values.size(); ++i) {
    REQUIRE(std::bit_cast<std::uint32_t>(wide[i]) == std::uint32_t{bits[i]} << 16);
  }

  const Vector x = noise<float>(7 * 80, 2);
  const Vector g = noise<float>(7 * 80, 3);
  const Vector per_channel = noise<float>(4 * 48, 4);
  const float* const p = per_channel.data();
  const kernels::Patch patch{7, 80, 48};
  Bits narrow(x.size());
  k.narrow(x.data(), patch, p, narrow.data());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::size_t channel = i % 80;
    REQUIRE(narrow[i] == (channel < 48 ? BFloat16(x[i] - p[channel]).bits : 0));
  }
  k.widen(narrow.data(), wide.data(), n);
  const Vector gate = noise<float>(7 * 80, 5);
  Bits narrow_gate(gate.size());
  k.narrow(gate.data(), {1, n, n}, nullptr, narrow_gate.data());
  Vector wide_gate(gate.size());
  k.widen(narrow_gate.data(), wide_gate.data(), n);

  const auto same = [&](const char* name, const auto& from_bits, const auto& from_floats) {
    CAPTURE(name);
    Vector a(x.size() + 96);
    Vector b(x.size() + 96);
    from_bits(a.data());
    from_floats(b.data());
    CHECK(a == b);
  };
  same(
      "relu_grad", [&](float* to) { k.relu_grad_narrow(narrow.data(), g.data(), to, n); },
      [&](float* to) { k.relu_grad(wide.data(), g.data(), to, n); });
  same(
      "gelu_grad", [&](float* to) { k.gelu_grad_narrow(narrow.data(), g.data(), to, n); },
      [&](float* to) { k.gelu_grad(wide.data(), g.data(), to, n); });
  for (const bool masked : {false, true}) {
    const std::uint16_t* const y16 = masked ? narrow_gate.data() : nullptr;
    const float* const y = masked ? wide_gate.data() : nullptr;
    same(
        "grad_moments",
        [&](float* to) {
          k.grad_moments_narrow(g.data(), narrow.data(), y16, masked ? to : nullptr, patch, p, to + n,
                                to + n + 48);
        },
        [&](float* to) {
          k.grad_moments(g.data(), wide.data(), y, masked ? to : nullptr, patch, p, to + n, to + n + 48);
        });
    same(
        "normalise_grad",
        [&](float* to) {
          k.normalise_grad_narrow(g.data(), narrow.data(), y16, to, patch, p, p + 48, p + 96, p + 144);
        },
        [&](float* to) {
          k.normalise_grad(g.data(), wide.data(), y, to, patch, p, p + 48, p + 96, p + 144);
        });
  }
}

/// Distance in units of the last place of the exact value.
double units(float got, double exact) {
  const float near = static_cast<float>(exact);
  const float ulp = std::nextafter(std::abs(near), std::numeric_limits<float>::infinity()) - std::abs(near);
  return std::abs(static_cast<double>(got) - exact) / static_cast<double>(ulp);
}

}  // namespace

TEST_CASE("kernels that read bf16 agree with those that read f32") {
  compare_narrow(kernels::kernels_of<16, float>());
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    compare_narrow(kernels::kernels_of<32, float>());
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    compare_narrow(kernels::kernels_of<64, float>());
  }
#endif
}

TEST_CASE("kernels agree, f32") {
  compare_all<float>();
}
TEST_CASE("kernels agree, f64") {
  compare_all<double>();
}

TEST_CASE("elementary functions keep what their comments promise") {
  double worst_exp = 0;
  double worst_erf = 0;
  for (int i = -870000; i <= 880000; ++i) {
    const float x = static_cast<float>(i) * 1e-4f;
    worst_exp = std::max(worst_exp, units(kernels::exponential<16>(x), std::exp(static_cast<double>(x))));
    const float z = x / 20;
    worst_erf = std::max(worst_erf, units(kernels::error_function<16>(z), std::erf(static_cast<double>(z))));
  }
  CHECK(worst_exp <= 2.0);
  CHECK(worst_erf <= 8.0);
  CHECK(std::isnan(kernels::exponential<16>(std::nanf(""))));
  CHECK(std::isnan(kernels::error_function<16>(std::nanf(""))));
  CHECK(kernels::exponential<16>(-std::numeric_limits<float>::infinity()) < 2e-38f);
  CHECK(kernels::exponential<16>(0.0f) == 1.0f);
}

TEST_CASE("NaN is not lost in ReLU and maximum") {
  const float nan = std::nanf("");
  const std::vector<float> a = {nan, 1.0f, 2.0f};
  const std::vector<float> b = {1.0f, nan, 1.0f};
  std::vector<float> y(3);
  kernels::active<float>().relu(a.data(), y.data(), 3);
  CHECK(std::isnan(y[0]));
  const float* const runs[] = {a.data(), b.data()};
  const std::uint8_t ids[] = {0, 1};
  std::vector<std::uint8_t> which(3);
  kernels::active<float>().max_of(runs, ids, 2, 3, y.data(), which.data());
  CHECK(std::isnan(y[0]));
  CHECK(std::isnan(y[1]));
  CHECK(y[2] == 2.0f);
}

}  // namespace satsuma::testing

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "cpu/naive.hpp"
#include "satsuma/core/parallel.hpp"
#include "satsuma/device/rounding.hpp"
#include "satsuma/sparse/packed.hpp"
#include "src/cpu/kernels/amx.hpp"
#include "src/cpu/passes.hpp"
#include "src/cpu/weight_gradient.hpp"
#include "support/random_tensor.hpp"

namespace satsuma::cpu {

namespace {

using satsuma::testing::for_each_product;
using satsuma::testing::Layer;
using satsuma::testing::random_tensor;
using satsuma::testing::Sums;

/// {in, out, kernel, stride, padding, dilation}, then the images: whole tiles and parts of them, one to five
/// blocks of images, rows that are narrower and wider than a tile's pixels.
const Layer kLayers[] = {
    {{32, 32, {3, 3}, {1, 1}, {1, 1}}, {32, 32, 5, 18}},
    {{64, 48, {3, 3}, {1, 1}, {1, 1}}, {16, 64, 4, 4}},
    {{40, 70, {3, 3}, {1, 1}, {1, 1}}, {19, 40, 4, 4}},
    {{27, 16, {1, 1}, {1, 1}, {0, 0}}, {17, 27, 6, 5}},
    {{33, 31, {3, 3}, {2, 2}, {1, 1}}, {49, 33, 7, 8}},
    {{64, 128, {1, 1}, {2, 2}, {0, 0}}, {20, 64, 8, 8}},
    {{24, 39, {1, 1}, {1, 1}, {0, 0}}, {40, 24, 1, 13}},
    {{130, 10, {1, 1}, {1, 1}, {0, 0}}, {70, 130, 1, 1}},
    {{17, 21, {5, 7}, {1, 2}, {2, 3}}, {3, 17, 6, 9}},
    {{16, 5, {3, 2}, {2, 1}, {0, 1}, {2, 3}}, {17, 16, 9, 8}},
    {{48, 64, {3, 3}, {1, 1}, {1, 1}}, {33, 48, 2, 2}},
};

struct Table {
  std::string_view name;
  const AmxKernels* kernels;
};

/// The emulation, and the instructions where there are some.
std::vector<Table> tables() {
  std::vector<Table> all = {{"emulation", &kAmxEmulation}};
#if defined(__x86_64__)
  if (active_amx() == Amx::instructions) all.push_back({"instructions", &kAmxKernels});
#endif
  return all;
}

/// What the passes of a layer give, after what they are given.
struct Passes {
  explicit Passes(const Layer& l)
      : layer(l),
        y_shape(l.geometry.output_shape("test", l.x)),
        x(random_tensor(l.x, 1, DType::f32, MemoryFormat::batch_blocked)),
        w(random_tensor(l.geometry.weight_shape(), 2, DType::f32, MemoryFormat::channels_last)),
        dy(random_tensor(y_shape, 3, DType::f32, MemoryFormat::batch_blocked)),
        bias(random_tensor({l.geometry.out_channels}, 4, DType::f32)) {}

  void run(const AmxKernels& kernels) {
    const LayerPlan plan(layer.geometry, DType::bf16);
    y = Tensor::full(y_shape, 99, DType::f32, MemoryFormat::batch_blocked);
    dx = Tensor::full(layer.x, 99, DType::f32, MemoryFormat::batch_blocked);
    dw = Tensor::full(layer.geometry.weight_shape(), 99, DType::f32, MemoryFormat::channels_last);
    forward_amx(plan, x, {.dense = &w}, bias, y, kernels);
    backward_data_amx(plan, dy, {.dense = &w}, dx, kernels);
    weight_gradient_amx(plan, x, dy, dw, kernels);
  }

  Layer layer;
  Shape y_shape;
  Tensor x, w, dy, bias, y, dx, dw;
};

}  // namespace

TEST_CASE("AMX passes are the sums of products of rounded operands") {
  // Products of two bf16 are exact in f32. A sum of some hundred of them in f32, in any order, is off by half
  // an ulp (6e-8) of the magnitudes for each, and far less where these errors have no common sign.
  constexpr double kTolerance = 2e-6;
  for (const Layer& layer : kLayers) {
    CAPTURE(to_string(layer.geometry));
    Passes passes(layer);
    const auto x = rounded(passes.x, DType::bf16).to_vector<double>();
    const auto w = rounded(passes.w, DType::bf16).to_vector<double>();
    const auto dy = rounded(passes.dy, DType::bf16).to_vector<double>();
    const auto bias = passes.bias.to_vector<double>();
    const Shape& shape = passes.y_shape;
    Sums y(shape.numel()), dx(layer.x.numel()), dw(layer.geometry.weight_shape().numel());
    const auto pixels = static_cast<std::size_t>(shape[2] * shape[3]);
    for (std::size_t i = 0; i < static_cast<std::size_t>(shape.numel()); ++i)
      y.add(i, bias[i / pixels % static_cast<std::size_t>(shape[1])], 1);
    for_each_product(layer.geometry, layer.x, shape, [&](std::size_t i, std::size_t k, std::size_t o) {
      y.add(o, x[i], w[k]);
      dx.add(i, dy[o], w[k]);
      dw.add(k, x[i], dy[o]);
    });
    for (const Table& table : tables()) {
      CAPTURE(table.name);
      passes.run(*table.kernels);
      CHECK(y.error(passes.y, kTolerance) <= 1);
      CHECK(dx.error(passes.dx, kTolerance) <= 1);
      CHECK(dw.error(passes.dw, kTolerance) <= 1);
    }
  }
}

TEST_CASE("the emulation of AMX has the bits of its instructions") {
  if (tables().size() == 1) return;
  for (const Layer& layer : kLayers) {
    CAPTURE(to_string(layer.geometry));
    Passes emulated(layer);
    Passes passes(layer);
    emulated.run(kAmxEmulation);
    passes.run(*tables()[1].kernels);
    CHECK(passes.y.to_vector<float>() == emulated.y.to_vector<float>());
    CHECK(passes.dx.to_vector<float>() == emulated.dx.to_vector<float>());
    CHECK(passes.dw.to_vector<float>() == emulated.dw.to_vector<float>());
  }
}

TEST_CASE("AMX passes give the same bits for any number of threads") {
  // Of WU for up to two, which have one sum.
  Passes one({{64, 80, {3, 3}, {1, 1}, {1, 1}}, {48, 64, 8, 8}});
  Passes more = one;
  const int before = threads();
  set_threads(1);
  one.run(kAmxEmulation);
  set_threads(2);
  more.run(kAmxEmulation);
  CHECK(more.dw.to_vector<float>() == one.dw.to_vector<float>());
  set_threads(5);
  more.run(kAmxEmulation);
  set_threads(before);
  CHECK(more.y.to_vector<float>() == one.y.to_vector<float>());
  CHECK(more.dx.to_vector<float>() == one.dx.to_vector<float>());
}

TEST_CASE("N:M weights by AMX are dense ones with their zeros") {
  for (const Layer& layer : kLayers) {
    for (const Pattern pattern :
         {Pattern{2, 8}, Pattern{1, 4}, Pattern{3, 5}, Pattern{2, 4, 2}, Pattern{1, 8, 4}}) {
      CAPTURE(to_string(layer.geometry));
      CAPTURE(to_string(pattern));
      Passes packed(layer);
      Passes expanded = packed;
      const LayerPlan plan(layer.geometry, DType::bf16);
      const PackedWeight ff = compress_reference(packed.w, GroupAxis::input_channels, pattern);
      const PackedWeight bp = compress_reference(packed.w, GroupAxis::output_channels, pattern);
      const Tensor dense_ff = expand(ff);
      const Tensor dense_bp = expand(bp);
      const auto run = [&](Passes& passes, const WeightOperand& forward, const WeightOperand& backward) {
        passes.y = Tensor::full(passes.y_shape, 99, DType::f32, MemoryFormat::batch_blocked);
        passes.dx = Tensor::full(layer.x, 99, DType::f32, MemoryFormat::batch_blocked);
        forward_amx(plan, passes.x, forward, passes.bias, passes.y, kAmxEmulation);
        backward_data_amx(plan, passes.dy, backward, passes.dx, kAmxEmulation);
      };
      run(packed, {.packed = &ff}, {.packed = &bp});
      run(expanded, {.dense = &dense_ff}, {.dense = &dense_bp});
      CHECK(packed.y.to_vector<float>() == expanded.y.to_vector<float>());
      CHECK(packed.dx.to_vector<float>() == expanded.dx.to_vector<float>());
    }
  }
}

TEST_CASE("AMX takes numbers below the least normal float for zero") {
  constexpr int kTerms = 32;
  alignas(64) std::uint16_t first[16][kTerms] = {};
  alignas(64) std::uint16_t second[16][kTerms] = {};
  constexpr std::uint16_t kOne = 0x3f80;
  constexpr std::uint16_t kTiny = 0x0040;      // 2^-127
  constexpr std::uint16_t kSmallest = 0x0080;  // 2^-126, the least normal one
  first[0][0] = kTiny;
  first[1][0] = kSmallest;
  first[2][0] = kOne;
  second[0][0] = kOne;
  const float* input[] = {reinterpret_cast<const float*>(second)};
  alignas(64) float sums[256];
  float* output[] = {sums};
  const Tap tap{{0}, 0};
  TileArgs args;
  args.count = 1;
  args.input = input;
  args.output = output;
  args.taps = &tap;
  args.tap_count = 1;
  args.rows = 16;
  for (const Table& table : tables()) {
    CAPTURE(table.name);
    const AmxScope scope(table.kernels);
    table.kernels->dense(args, {reinterpret_cast<const char*>(first), 1, kAmxTileBytes});
    CHECK(sums[0] == 0.0f);
    CHECK(sums[16] == 0x1p-126f);
    CHECK(sums[32] == 1.0f);
  }
}

#if defined(__x86_64__)
TEST_CASE("forms of AVX-512 for AMX are those of plain C++") {
  if (&amx_forms() != &kAvx512Bf16AmxForms) return;
  constexpr std::int64_t kChannels = 45;
  constexpr std::int64_t kFloats = 16 * 64;
  const Tensor from = random_tensor({1, 64 * 16}, 5, DType::f32);
  const float* const values = from.data<float>();
  struct alignas(64) Memory {
    float words[2 * kFloats] = {};
  };
  const auto forms = [&](const auto& make) {
    Memory plain, vector;
    make(kPlainAmxForms, plain.words);
    make(kAvx512Bf16AmxForms, vector.words);
    return std::memcmp(&plain, &vector, sizeof(plain)) == 0;
  };
  CHECK(forms([&](const AmxForms& f, float* to) { f.pack(values, kChannels, to); }));
  CHECK(forms([&](const AmxForms& f, float* to) { f.round_tile(values, 40, to); }));
  CHECK(forms([&](const AmxForms& f, float* to) { f.transpose_pairs(values, kChannels, to, 64); }));
  CHECK(forms([&](const AmxForms& f, float* to) { f.round_rows(values, 37, 11, to, 16); }));
}
#endif

}  // namespace satsuma::cpu

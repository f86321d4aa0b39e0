#include "conformance/check_device.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "satsuma/core/rng.hpp"
#include "satsuma/device/macs.hpp"

namespace satsuma::testing {

namespace {

const Pattern kPatterns[] = {{1, 2}, {2, 4},  {1, 4},  {4, 8},  {2, 8},
                             {1, 8}, {4, 16}, {2, 16}, {1, 16}, {3, 7}};
constexpr Pass kPasses[] = {Pass::ff, Pass::bp, Pass::wu};

/// One layer, one batch.
struct Case {
  Geometry geometry;
  Shape input;
  Pattern pattern;

  Shape output() const { return geometry.output_shape("conformance", input); }
  std::string text() const {
    return to_string(geometry) + " of " + to_string(input) + ", pattern " + to_string(pattern);
  }
};

/// Layers as networks have them, and the edges: one pixel, one channel, kernels as large as the image.
std::vector<Case> fixed_cases() {
  const Geometry same3 = {.in_channels = 64, .out_channels = 64, .kernel = {3, 3}, .padding = {1, 1}};
  const Geometry down3 = {
      .in_channels = 32, .out_channels = 64, .kernel = {3, 3}, .stride = {2, 2}, .padding = {1, 1}};
  const Geometry down1 = {.in_channels = 32, .out_channels = 64, .stride = {2, 2}};
  const Geometry stem3 = {.in_channels = 3, .out_channels = 64, .kernel = {3, 3}, .padding = {1, 1}};
  const Geometry stem7 = {
      .in_channels = 3, .out_channels = 16, .kernel = {7, 7}, .stride = {2, 2}, .padding = {3, 3}};
  const Geometry deep = {.in_channels = 520, .out_channels = 24, .kernel = {3, 3}, .padding = {1, 1}};
  const Geometry wide = {.in_channels = 24, .out_channels = 520};
  const Geometry classifier = {.in_channels = 512, .out_channels = 10};
  const Geometry whole = {.in_channels = 16, .out_channels = 8, .kernel = {4, 4}};
  return {
      {same3, {16, 64, 3, 3}, {}},
      {same3, {17, 64, 2, 3}, {2, 8}},
      {same3, {1, 64, 8, 8}, {2, 4}},
      {down3, {7, 32, 9, 9}, {}},
      {down3, {16, 32, 8, 8}, {2, 8}},
      {down1, {17, 32, 8, 8}, {}},
      {down1, {17, 32, 9, 7}, {1, 4}},
      {stem3, {7, 3, 9, 9}, {}},
      {stem7, {2, 3, 20, 20}, {}},
      {deep, {3, 520, 4, 4}, {}},
      {deep, {3, 520, 4, 4}, {2, 16}},
      {wide, {1, 24, 3, 3}, {}},
      {wide, {16, 24, 3, 3}, {1, 8}},
      {classifier, {65, 512, 1, 1}, {}},
      {classifier, {65, 512, 1, 1}, {2, 8}},
      {whole, {16, 16, 4, 4}, {2, 8}},
      {whole, {33, 16, 4, 4}, {}},
      {{}, {1, 1, 1, 1}, {}},
      {{.in_channels = 8, .out_channels = 8}, {1, 8, 1, 1}, {2, 8}},
  };
}

template <typename T, std::size_t N>
const T& pick(Rng& rng, const T (&list)[N]) {
  return list[rng.below(N)];
}

/// Any geometry whose three passes cost the reference no more than some milliseconds.
Case random_case(Rng& rng, Pattern pattern) {
  constexpr std::int64_t kBatches[] = {1, 7, 16, 17, 65};
  constexpr std::int64_t kChannels[] = {1, 3, 7, 8, 15, 16, 17, 24, 31, 33, 48, 64, 70, 130};
  constexpr std::int64_t kMostMacs = 1'000'000;
  constexpr Pair kKernels[] = {{1, 1}, {1, 1}, {3, 3}, {3, 3}, {2, 2}, {1, 3}, {3, 1}, {5, 5}, {4, 3}};
  for (;;) {
    Case c;
    c.pattern = pattern;
    Geometry& g = c.geometry;
    g.in_channels = pick(rng, kChannels);
    g.out_channels = pick(rng, kChannels);
    g.kernel = pick(rng, kKernels);
    const auto upto = [&](std::uint64_t n) { return static_cast<std::int64_t>(rng.below(n)); };
    g.stride = {1 + upto(3), 1 + upto(3)};
    g.padding = {upto(3), upto(3)};
    g.dilation = {1 + upto(2), 1 + upto(2)};
    if (pattern.dense() && rng.below(3) == 0) g.groups = g.in_channels == g.out_channels ? g.in_channels : 1;
    c.input = {pick(rng, kBatches), g.in_channels, 1 + upto(10), 1 + upto(10)};
    const bool fits = c.input[2] + 2 * g.padding[0] > g.dilation[0] * (g.kernel[0] - 1) &&
                      c.input[3] + 2 * g.padding[1] > g.dilation[1] * (g.kernel[1] - 1);
    if (!fits) continue;
    const Shape out = c.output();
    if (out[0] * g.dense_macs(out[2], out[3]) <= kMostMacs) return c;
  }
}

/// Uniform in [-1, 1); on request multiples of 1/8, so that there are ties and zeros. Padding lanes hold
/// large numbers.
Tensor draw(Rng& rng, const Shape& shape, DType dtype, MemoryFormat format, bool ties = false) {
  std::vector<double> values(static_cast<std::size_t>(shape.numel()));
  for (double& value : values) {
    value = 2.0 * static_cast<double>(rng.uniform()) - 1.0;
    if (ties) value = std::round(value * 8) / 8;
  }
  Tensor tensor = Tensor::empty(shape, dtype, format);
  tensor.fill(777);
  tensor.copy_from(Tensor::from(values, shape));
  return tensor;
}

/// Memory of the device, full of NaN: a device has to write all of it.
Tensor poisoned(Device& device, const Shape& shape, DType dtype, MemoryFormat format) {
  const Layout layout = layout_of(shape, format);
  const auto bytes = static_cast<std::size_t>(storage_extent(shape, layout)) * size_of(dtype);
  Tensor tensor = Tensor::over(device.allocate(bytes), shape, layout, dtype);
  tensor.fill(std::numeric_limits<double>::quiet_NaN());
  return tensor;
}

double epsilon(DType dtype) {
  return dtype == DType::f32 ? static_cast<double>(std::numeric_limits<float>::epsilon())
                             : std::numeric_limits<double>::epsilon();
}

/// Largest difference between elements; infinity where one of them is not finite.
double distance(const Tensor& a, const Tensor& b) {
  const auto x = a.to_vector<double>();
  const auto y = b.to_vector<double>();
  REQUIRE(x.size() == y.size());
  double largest = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double difference = std::abs(x[i] - y[i]);
    largest = std::max(largest, std::isfinite(difference) ? difference : HUGE_VAL);
  }
  return largest;
}

/// Padding lanes are allowed any number, but only a number: NaN there would spread through element-wise
/// operations.
bool storage_is_finite(const Tensor& tensor) {
  return dispatch_real("conformance", tensor.dtype(), [&](auto element) {
    using T = decltype(element);
    const T* const values = tensor.data<T>();
    return std::all_of(values, values + tensor.extent(), [](T value) { return std::isfinite(value); });
  });
}

bool same_packed(const PackedWeight& a, const PackedWeight& b) {
  return a.pattern == b.pattern && a.axis == b.axis && a.dense_shape == b.dense_shape &&
         a.values.shape() == b.values.shape() && a.values.dtype() == b.values.dtype() &&
         a.indices.shape() == b.indices.shape() &&
         a.values.to_vector<double>() == b.values.to_vector<double>() &&
         a.indices.to_vector<std::uint8_t>() == b.indices.to_vector<std::uint8_t>();
}

bool supported(const Device& device, const Case& c, Pass pass, DType dtype, DType operands) {
  const Pattern weight = pass == Pass::wu ? Pattern() : c.pattern;
  const Support support = device.supports({pass, c.geometry, weight, {}, dtype, operands});
  CHECK((support.yes || !support.reason.empty()));
  return support.yes;
}

void check_counters(const Device& device, const Case& c, Pass pass) {
  const Shape out = c.output();
  const Counters::PerPass& counter = device.counters()[pass];
  CHECK(counter.calls == 1);
  CHECK(counter.macs ==
        out[0] * pass_macs(c.geometry, pass, pass == Pass::wu ? Pattern() : c.pattern, out[2], out[3]));
  CHECK(counter.dense_macs == out[0] * c.geometry.dense_macs(out[2], out[3]));
}

/// Runs the three passes on both devices; returns which ones the device accepted. The tolerance is that of
/// sums of so many terms in `dtype`, for bf16 and f16 operands too: their products are exact in f32.
std::vector<bool> check_passes(Device& device, Device& reference, const Case& c, DType dtype, DType operands,
                               std::uint64_t seed) {
  Rng rng(seed);
  const Geometry& g = c.geometry;
  const PassSpec spec(g, operands);
  const MemoryFormat format = device.activation_format();
  const Shape out = c.output();
  const Tensor x = draw(rng, c.input, dtype, format);
  const Tensor dy = draw(rng, out, dtype, format);
  const Tensor weight = draw(rng, g.weight_shape(), dtype, MemoryFormat::channels_last);
  const Tensor bias = rng.below(2) ? draw(rng, {g.out_channels}, dtype, MemoryFormat::row_major) : Tensor();
  const bool foreign = rng.below(2);  // packed by somebody else, without the device's own form
  const auto tolerance = [&](std::int64_t length) {
    return static_cast<double>(length + 8) * epsilon(dtype);
  };
  const std::int64_t taps = g.kernel[0] * g.kernel[1];
  device.reset_counters();

  std::vector<bool> accepted;
  for (const Pass pass : kPasses) {
    accepted.push_back(supported(device, c, pass, dtype, operands));
    if (!accepted.back()) continue;
    CAPTURE(to_string(pass));
    const GroupAxis axis = pass == Pass::ff ? GroupAxis::input_channels : GroupAxis::output_channels;
    PackedWeight oracle, own;
    WeightOperand w = {.dense = &weight}, w_oracle = w;
    if (pass != Pass::wu && !c.pattern.dense()) {
      oracle = compress_reference(weight, axis, c.pattern);
      own = foreign ? oracle : device.compress(weight, axis, c.pattern);
      w = {.packed = &own};
      w_oracle = {.packed = &oracle};
    }
    switch (pass) {
      case Pass::ff: {
        Tensor y = poisoned(device, out, dtype, format);
        Tensor expected = Tensor::empty(out, dtype, format);
        device.forward(spec, x, w, bias, y);
        reference.forward(spec, x, w_oracle, bias, expected);
        device.synchronize();
        CHECK(distance(y, expected) <= tolerance(g.in_channels / g.groups * taps));
        CHECK(storage_is_finite(y));
        break;
      }
      case Pass::bp: {
        Tensor dx = poisoned(device, c.input, dtype, format);
        Tensor expected = Tensor::empty(c.input, dtype, format);
        device.backward_data(spec, dy, w, dx);
        reference.backward_data(spec, dy, w_oracle, expected);
        device.synchronize();
        CHECK(distance(dx, expected) <= tolerance(g.out_channels / g.groups * taps));
        CHECK(storage_is_finite(dx));
        break;
      }
      case Pass::wu: {
        Tensor dw = poisoned(device, weight.shape(), dtype, MemoryFormat::channels_last);
        Tensor expected = Tensor::empty(weight.shape(), dtype, MemoryFormat::channels_last);
        Tensor dbias =
            bias.defined() ? poisoned(device, bias.shape(), dtype, MemoryFormat::row_major) : Tensor();
        Tensor expected_bias = bias.defined() ? Tensor::empty_like(bias) : Tensor();
        device.backward_weights(spec, x, dy, dw, dbias);
        reference.backward_weights(spec, x, dy, expected, expected_bias);
        device.synchronize();
        CHECK(distance(dw, expected) <= tolerance(out[0] * out[2] * out[3]));
        if (dbias.defined()) CHECK(distance(dbias, expected_bias) <= tolerance(out[0] * out[2] * out[3]));
        break;
      }
    }
    // Where the device is its own reference both calls are counted on it.
    if (&device != &reference) check_counters(device, c, pass);
  }
  return accepted;
}

void check_compress(Device& device, Pattern pattern, DType dtype, Rng& rng) {
  constexpr std::int64_t kExtents[] = {1, 7, 8, 16, 17, 31, 64, 65};
  for (const GroupAxis axis : {GroupAxis::input_channels, GroupAxis::output_channels}) {
    for (const bool ties : {false, true}) {
      const Shape shape = {pick(rng, kExtents), pick(rng, kExtents),
                           1 + static_cast<std::int64_t>(rng.below(3)),
                           1 + static_cast<std::int64_t>(rng.below(3))};
      CAPTURE(to_string(shape));
      CAPTURE(ties);
      const Tensor weight = draw(rng, shape, dtype, MemoryFormat::channels_last, ties);
      CHECK(same_packed(device.compress(weight, axis, pattern), compress_reference(weight, axis, pattern)));
    }
  }
}

void check_update(Device& device, Device& reference, Pattern pattern, DType dtype, Rng& rng) {
  const SgdStep steps[] = {
      {.lr = 0.1},
      {.lr = 0.1, .momentum = 0.9, .weight_decay = 5e-4},
      {.lr = 0.1, .momentum = 0.9, .weight_decay = 5e-4, .nesterov = true, .decay = 2e-2},
  };
  const Shape shapes[] = {{33, 24, 3, 3}, {16, 40, 1, 1}, {10, 9, 2, 1}};
  for (const SgdStep& step : steps) {
    for (const Shape& shape : shapes) {
      CAPTURE(to_string(shape));
      CAPTURE(step.momentum);
      const auto tensor = [&] { return draw(rng, shape, dtype, MemoryFormat::channels_last); };
      UpdateArgs args{.weight = tensor(), .grad = tensor(), .velocity = {}, .step = step, .pattern = pattern};
      if (step.momentum != 0) args.velocity = tensor();
      UpdateArgs expected = args;
      expected.weight = args.weight.clone();
      if (args.velocity.defined()) expected.velocity = args.velocity.clone();
      PackedWeight ff, bp, expected_ff;
      const bool prune = !pattern.dense();
      const bool both = rng.below(2);
      if (prune) {
        args.packed_ff = &ff;
        args.packed_bp = both ? &bp : nullptr;
        expected.packed_ff = &expected_ff;
      } else {
        args.step.decay = expected.step.decay = 0;
      }
      device.update(args);
      device.synchronize();
      reference.update(expected);
      // A handful of additions of numbers below 4.
      CHECK(distance(args.weight, expected.weight) <= 16 * epsilon(dtype));
      if (args.velocity.defined()) CHECK(distance(args.velocity, expected.velocity) <= 16 * epsilon(dtype));
      if (!prune) continue;
      CHECK(same_packed(ff, compress_reference(args.weight, GroupAxis::input_channels, pattern)));
      if (both) CHECK(same_packed(bp, compress_reference(args.weight, GroupAxis::output_channels, pattern)));
    }
  }
}

}  // namespace

void check_device(Device& device, Device& reference, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<Case> cases = fixed_cases();
  for (const Pattern pattern : kPatterns) {
    for (int i = 0; i < 6; ++i) cases.push_back(random_case(rng, pattern));
  }
  for (int i = 0; i < 24; ++i) cases.push_back(random_case(rng, {}));

  int run[3] = {};
  for (const DType dtype : {DType::f32, DType::f64}) {
    CAPTURE(to_string(dtype));
    for (const Case& c : cases) {
      CAPTURE(c.text());
      for (const DType operands : {DType::f32, DType::bf16, DType::f16}) {
        if (dtype == DType::f64 && operands != DType::f32) continue;
        CAPTURE(to_string(operands));
        const std::vector<bool> accepted = check_passes(device, reference, c, dtype, operands, rng.next());
        for (std::size_t pass = 0; pass < accepted.size(); ++pass) run[pass] += accepted[pass];
      }
    }
    const Case probe = {{.in_channels = 16, .out_channels = 16}, {1, 16, 1, 1}, {}};
    if (!supported(device, probe, Pass::ff, dtype, device.default_operands())) continue;
    for (const Pattern pattern : kPatterns) {
      CAPTURE(to_string(pattern));
      check_compress(device, pattern, dtype, rng);
      check_update(device, reference, pattern, dtype, rng);
    }
    check_update(device, reference, {}, dtype, rng);
  }
  for (const Pass pass : kPasses) {
    CAPTURE(to_string(pass));
    MESSAGE("accepted cases: ", run[static_cast<std::size_t>(pass)]);
    CHECK(run[static_cast<std::size_t>(pass)] > 0);
  }
}

}  // namespace satsuma::testing

#include "src/conformance/cases.hpp"

#include <fmt/core.h>

#include "satsuma/core/rng.hpp"

namespace satsuma::conformance {

namespace {

constexpr Pattern kPatterns[] = {{1, 2},  {2, 4},  {1, 4},  {4, 8}, {2, 8},    {1, 8},
                                 {4, 16}, {2, 16}, {1, 16}, {3, 7}, {2, 8, 2}, {1, 4, 16}};

constexpr Types kTypes[] = {{"f32", DType::f32, DType::f32},
                            {"f32.bf16", DType::f32, DType::bf16},
                            {"f32.f16", DType::f32, DType::f16},
                            {"f64", DType::f64, DType::f32}};

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
      {"layer-3x3", same3, {16, 64, 3, 3}, {}},
      {"layer-3x3", same3, {17, 64, 2, 3}, {2, 8}},
      {"layer-3x3", same3, {1, 64, 8, 8}, {2, 4}},
      {"layer-small", same3, {2, 64, 4, 17}, {2, 8}},
      {"layer-small", same3, {5, 64, 2, 2}, {}},
      {"layer-small", same3, {3, 64, 16, 3}, {4, 16}},
      {"layer-small", down3, {1, 32, 16, 16}, {2, 8}},
      {"layer-small", down1, {3, 32, 8, 8}, {2, 4}},
      {"layer-small", classifier, {1, 512, 1, 1}, {}},
      {"layer-small", classifier, {2, 512, 1, 1}, {2, 8}},
      {"layer-down3", down3, {7, 32, 9, 9}, {}},
      {"layer-down3", down3, {16, 32, 8, 8}, {2, 8}},
      {"layer-down1", down1, {17, 32, 8, 8}, {}},
      {"layer-down1", down1, {17, 32, 9, 7}, {1, 4}},
      {"layer-stem3", stem3, {7, 3, 9, 9}, {}},
      {"layer-stem7", stem7, {2, 3, 20, 20}, {}},
      {"layer-deep", deep, {3, 520, 4, 4}, {}},
      {"layer-deep", deep, {3, 520, 4, 4}, {2, 16}},
      {"layer-wide", wide, {1, 24, 3, 3}, {}},
      {"layer-wide", wide, {16, 24, 3, 3}, {1, 8}},
      {"layer-classifier", classifier, {65, 512, 1, 1}, {}},
      {"layer-classifier", classifier, {65, 512, 1, 1}, {2, 8}},
      {"kernel-is-image", whole, {16, 16, 4, 4}, {2, 8}},
      {"kernel-is-image", whole, {33, 16, 4, 4}, {}},
      {"one-of-all", {}, {1, 1, 1, 1}, {}},
      {"one-pixel", {.in_channels = 8, .out_channels = 8}, {1, 8, 1, 1}, {2, 8}},
  };
}

template <typename T, std::size_t N>
const T& pick(Rng& rng, const T (&list)[N]) {
  return list[rng.below(N)];
}

/// What is peculiar to a class of shapes; all else is drawn.
enum class Peculiar { one_by_one, stride, padding, dilation, one_image, ragged, groups, any };

constexpr struct {
  const char* name;
  Peculiar peculiar;
} kClasses[] = {{"1x1", Peculiar::one_by_one},   {"stride", Peculiar::stride},
                {"padding", Peculiar::padding},  {"dilation", Peculiar::dilation},
                {"batch1", Peculiar::one_image}, {"ragged", Peculiar::ragged},
                {"groups", Peculiar::groups},    {"any", Peculiar::any}};

/// A layer of a class, which may be too large or whose kernel may not fit the image.
Case draw(Rng& rng, Peculiar peculiar) {
  constexpr std::int64_t kBatches[] = {1, 2, 3, 5, 7, 8, 15, 16, 17, 65};
  constexpr std::int64_t kChannels[] = {1, 3, 7, 8, 15, 16, 17, 24, 31, 33, 48, 64, 70, 130};
  constexpr std::int64_t kRaggedChannels[] = {3, 7, 9, 13, 17, 31, 33, 67, 70};
  constexpr std::int64_t kRaggedBatches[] = {7, 15, 17, 31};
  constexpr Pair kKernels[] = {{1, 1}, {3, 3}, {3, 3}, {2, 2}, {1, 3}, {3, 1}, {5, 5}, {4, 3}};
  const auto upto = [&](std::uint64_t n) { return static_cast<std::int64_t>(rng.below(n)); };
  const bool any = peculiar == Peculiar::any;
  const bool ragged = peculiar == Peculiar::ragged;
  Case c;
  Geometry& g = c.geometry;
  g.in_channels = ragged ? pick(rng, kRaggedChannels) : pick(rng, kChannels);
  g.out_channels = ragged ? pick(rng, kRaggedChannels) : pick(rng, kChannels);
  if (peculiar != Peculiar::one_by_one) g.kernel = pick(rng, kKernels);
  if (any || peculiar == Peculiar::stride) g.stride = {1 + upto(3), 1 + upto(3)};
  if (any || peculiar == Peculiar::padding) g.padding = {upto(3), upto(3)};
  if (any || peculiar == Peculiar::dilation) g.dilation = {1 + upto(2), 1 + upto(2)};
  if (peculiar == Peculiar::groups) g.groups = g.in_channels;
  if (peculiar == Peculiar::groups) g.out_channels = g.in_channels;
  const std::int64_t batch = ragged ? pick(rng, kRaggedBatches) : pick(rng, kBatches);
  c.input = {peculiar == Peculiar::one_image ? 1 : batch, g.in_channels, 1 + upto(10), 1 + upto(10)};
  return c;
}

bool fits(const Case& c) {
  constexpr std::int64_t kMostMacs = 1'000'000;
  const Geometry& g = c.geometry;
  if (c.input[2] + 2 * g.padding[0] <= g.dilation[0] * (g.kernel[0] - 1)) return false;
  if (c.input[3] + 2 * g.padding[1] <= g.dilation[1] * (g.kernel[1] - 1)) return false;
  const Shape out = c.output();
  return out[0] * g.dense_macs(out[2], out[3]) <= kMostMacs;
}

bool is_peculiar(const Case& c, Peculiar peculiar) {
  const Geometry& g = c.geometry;
  switch (peculiar) {
    case Peculiar::stride:
      return g.stride[0] + g.stride[1] > 2;
    case Peculiar::padding:
      return g.padding[0] + g.padding[1] > 0;
    case Peculiar::dilation:
      return (g.dilation[0] > 1 && g.kernel[0] > 1) || (g.dilation[1] > 1 && g.kernel[1] > 1);
    case Peculiar::groups:
      return g.groups > 1;
    case Peculiar::ragged:
      return c.pattern.dense() || g.in_channels % c.pattern.m != 0 || g.out_channels % c.pattern.m != 0;
    default:
      return true;
  }
}

}  // namespace

std::span<const Pattern> patterns() {
  return kPatterns;
}

std::span<const Types> all_types() {
  return kTypes;
}

std::int64_t Case::reduction(Pass pass) const {
  const std::int64_t taps = geometry.kernel[0] * geometry.kernel[1];
  const Shape out = output();
  if (pass == Pass::wu) return out[0] * out[2] * out[3];
  return (pass == Pass::ff ? geometry.in_channels : geometry.out_channels) / geometry.groups * taps;
}

std::string Case::text() const {
  return fmt::format("{} of {}, pattern {}", to_string(geometry), to_string(input), to_string(pattern));
}

const char* short_name(Pass pass) {
  return pass == Pass::ff ? "ff" : pass == Pass::bp ? "bp" : "wu";
}

bool Case::concerns(Pass pass) const {
  if (kind == OperandKind::pruned) return pass == Pass::bp;
  if (kind == OperandKind::sampled) return pass == Pass::wu;
  return pass != Pass::wu;
}

LayerPlan Case::plan(Types types) const {
  LayerPlan plan(geometry, types.operands, name);
  plan.dtype = types.tensors;
  switch (kind) {
    case OperandKind::packed:
      plan[Pass::ff].weight = OperandPlan::packed(GroupAxis::input_channels, pattern);
      plan[Pass::bp].weight = OperandPlan::packed(GroupAxis::output_channels, pattern);
      break;
    case OperandKind::pruned:
      plan[Pass::bp].gradient = OperandPlan::pruned(pattern);
      break;
    case OperandKind::sampled:
      plan[Pass::wu].gradient = OperandPlan::sampled(pattern);
      break;
    default:
      break;
  }
  return plan;
}

std::vector<Case> all_cases(std::uint64_t seed) {
  std::vector<Case> cases = fixed_cases();
  Rng rng(seed);
  const auto add = [&](const char* name, Peculiar peculiar, Pattern pattern) {
    for (;;) {
      Case c = draw(rng, peculiar);
      c.name = name;
      c.pattern = pattern;
      if (!fits(c) || !is_peculiar(c, peculiar)) continue;
      cases.push_back(std::move(c));
      return;
    }
  };
  for (const auto& [name, peculiar] : kClasses) {
    for (int i = 0; i < 2; ++i) add(name, peculiar, {});
    if (peculiar == Peculiar::groups) continue;  // packed weights have one group of channels
    for (const Pattern pattern : kPatterns) add(name, peculiar, pattern);
  }
  for (const OperandKind kind : {OperandKind::pruned, OperandKind::sampled}) {
    for (Case c : fixed_cases()) {
      c.kind = kind;
      if (!c.pattern.dense()) cases.push_back(std::move(c));
    }
    for (const Pattern pattern : kPatterns) {
      if (kind == OperandKind::pruned && pattern.shared > 1) continue;  // pixels are pruned by themselves
      for (const auto& [name, peculiar] : kClasses) {
        if (peculiar != Peculiar::ragged && peculiar != Peculiar::any) continue;
        add(name, peculiar, pattern);
        cases.back().kind = kind;
      }
    }
  }
  return cases;
}

}  // namespace satsuma::conformance

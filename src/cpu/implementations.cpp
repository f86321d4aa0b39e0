#include "src/cpu/implementations.hpp"

#include <span>

#include "satsuma/device/rounding.hpp"
#include "src/cpu/channels_last.hpp"
#include "src/cpu/compress.hpp"
#include "src/cpu/pruned_backward.hpp"
#include "src/cpu/sampled_weight_gradient.hpp"
#include "src/cpu/tuning.hpp"
#include "src/cpu/unfold.hpp"

namespace satsuma::cpu {

namespace {

struct Forward {
  Site site;
  const Tensor& x;
  const WeightOperand& w;
  const Tensor& bias;
  Tensor& y;
};

struct BackwardData {
  Site site;
  const Tensor& dy;
  const WeightOperand& w;
  Tensor& dx;
};

struct WeightGradient {
  Site site;
  const SampleKey& key;
  const Tensor& x;
  const Tensor& dy;
  Tensor& dw;
  GradientOrder order;
};

/// Null where it runs the pass, or why not.
using Refusal = const char*;

template <typename Call>
struct Implementation {
  std::string_view name;
  Refusal (*refuses)(const Site&);
  void (*run)(const Call&);
};

Refusal unless(bool holds, const char* reason) {
  return holds ? nullptr : reason;
}

Refusal prunes_dy(const Site& site) {
  return unless(site.plan[Pass::bp].gradient.skips(), "dY is not pruned");
}

Refusal samples_dy(const Site& site) {
  return unless(site.plan[Pass::wu].gradient.skips(), "dY is not sampled");
}

/// Tiles of AMX have an order of sums of their own.
bool is_for_amx(const Site& site) {
  const bool any_order = site.order.channel_block == 0 && !site.order.skip_padding;
  return !site.channels_last && any_order && multiplies_by_amx(site.plan, site.nm);
}

Refusal not_for_amx(const Site& site) {
  return unless(is_for_amx(site), "no AMX multiplies bf16 here, or it does not pay");
}

/// Operands that there are no instructions for are rounded and multiplied in f32, which gives the same
/// products.
Refusal lacks_products(const Site& site) {
  if (is_for_amx(site)) return "AMX has its products";
  const DType operands = site.plan.operands;
  const ProductKind kind = site.nm ? ProductKind::skipping : ProductKind::dense;
  const bool has = multiplied(operands, kind) == operands;
  return unless(!has, "there are instructions for its products, and they pay");
}

Refusal is_in_channels_last(const Site& site) {
  return unless(site.channels_last, "activations are batch-blocked");
}

/// Unfolded channels follow each other by row, column and channel, as in one block.
Refusal is_worth_unfolding(const Site& site) {
  const Geometry& geometry = site.plan.geometry;
  const SumOrder& order = site.order;
  if (site.nm) return "the weight is N:M";
  if (order.skip_padding) return "taps on padding are to be left out";
  if (order.channel_block != 0 && order.channel_block < geometry.in_channels)
    return "sums are to go by blocks of channels";
  return unless(worth_unfolding(geometry), "its input channels are many, or its kernel is 1x1");
}

Refusal multiplies_bf16(const Site& site) {
  return unless(site.plan.operands == DType::bf16, "operands are f32");
}

Refusal never(const Site& /*site*/) {
  return nullptr;
}

RoundedWeight rounded_weight(const WeightOperand& w, DType operands) {
  if (w.packed == nullptr) return {w, operands};
  const PackedWeight packed = documented(*w.packed);
  return {{.packed = &packed}, operands};
}

constexpr Implementation<Forward> kForward[] = {
    {"rounded to f32", lacks_products,
     [](const Forward& c) {
       const LayerPlan& plan = c.site.plan;
       forward(plan.geometry, rounded(c.x, plan.operands), rounded_weight(c.w, plan.operands).operand(),
               c.bias, c.y, c.site.order);
     }},
    {"channels-last", is_in_channels_last,
     [](const Forward& c) { forward_channels_last(c.site.plan, c.x, c.w, c.bias, c.y); }},
    {"unfolded", is_worth_unfolding,
     [](const Forward& c) {
       const LayerPlan& plan = c.site.plan;
       const Tensor weight = unfold_weight(*c.w.dense);
       forward({unfolded(plan.geometry), plan.operands}, unfold(plan.geometry, c.x, c.y.shape()),
               {.dense = &weight}, c.bias, c.y);
     }},
    {"tiles of AMX", not_for_amx,
     [](const Forward& c) { forward_amx(c.site.plan, c.x, c.w, c.bias, c.y, *amx_kernels()); }},
    {"tiles of bf16 pairs", multiplies_bf16,
     [](const Forward& c) { forward_pairs(c.site.plan, c.x, c.w, c.bias, c.y); }},
    {"tiles", never,
     [](const Forward& c) { forward_tiles(c.site.plan, c.x, c.w, c.bias, c.y, c.site.order); }},
};

constexpr Implementation<BackwardData> kBackwardData[] = {
    {"pruned dY", prunes_dy,
     [](const BackwardData& c) {
       const LayerPlan& plan = c.site.plan;
       pruned_backward_data(plan, c.dy, plan[Pass::bp].gradient.pattern, *c.w.dense, c.dx);
     }},
    {"rounded to f32", lacks_products,
     [](const BackwardData& c) {
       const LayerPlan& plan = c.site.plan;
       backward_data(plan.geometry, rounded(c.dy, plan.operands),
                     rounded_weight(c.w, plan.operands).operand(), c.dx, c.site.order);
     }},
    {"channels-last", is_in_channels_last,
     [](const BackwardData& c) { backward_data_channels_last(c.site.plan, c.dy, c.w, c.dx); }},
    {"tiles of AMX", not_for_amx,
     [](const BackwardData& c) { backward_data_amx(c.site.plan, c.dy, c.w, c.dx, *amx_kernels()); }},
    {"tiles of bf16 pairs", multiplies_bf16,
     [](const BackwardData& c) { backward_data_pairs(c.site.plan, c.dy, c.w, c.dx); }},
    {"tiles", never,
     [](const BackwardData& c) { backward_data_tiles(c.site.plan, c.dy, c.w, c.dx, c.site.order); }},
};

constexpr Implementation<WeightGradient> kWeightGradient[] = {
    {"sampled dY", samples_dy,
     [](const WeightGradient& c) {
       const LayerPlan& plan = c.site.plan;
       sampled_weight_gradient(plan, c.x, c.dy, plan[Pass::wu].gradient.pattern, c.key, c.dw);
     }},
    {"rounded to f32", lacks_products,
     [](const WeightGradient& c) {
       const LayerPlan& plan = c.site.plan;
       weight_gradient(plan.geometry, c.key, rounded(c.x, plan.operands), rounded(c.dy, plan.operands), c.dw,
                       c.order);
     }},
    {"channels-last", is_in_channels_last,
     [](const WeightGradient& c) { weight_gradient_channels_last(c.site.plan, c.x, c.dy, c.dw); }},
    {"unfolded", is_worth_unfolding,
     [](const WeightGradient& c) {
       const LayerPlan& plan = c.site.plan;
       Tensor dw = unfold_weight(c.dw);
       weight_gradient({unfolded(plan.geometry), plan.operands}, c.key,
                       unfold(plan.geometry, c.x, c.dy.shape()), c.dy, dw, c.order);
     }},
    {"tiles of AMX", not_for_amx,
     [](const WeightGradient& c) { weight_gradient_amx(c.site.plan, c.x, c.dy, c.dw, *amx_kernels()); }},
    {"tiles", never,
     [](const WeightGradient& c) { weight_gradient_tiles(c.site.plan, c.x, c.dy, c.dw, c.order); }},
};

std::optional<Pattern> pattern_of(const WeightOperand& w) {
  return w.packed != nullptr ? std::optional(w.packed->pattern) : std::nullopt;
}

/// The last of a list refuses nothing.
template <typename Call>
void run(std::span<const Implementation<Call>> list, const Call& call) {
  auto chosen = list.begin();
  while (chosen->refuses(call.site) != nullptr) ++chosen;
  chosen->run(call);
}

template <typename Call>
std::vector<Choice> ask(std::span<const Implementation<Call>> list, const Site& site) {
  std::vector<Choice> asked;
  for (const Implementation<Call>& one : list) {
    const Refusal refusal = one.refuses(site);
    asked.push_back({one.name, refusal ? refusal : ""});
    if (refusal == nullptr) break;
  }
  return asked;
}

}  // namespace

std::vector<Choice> choices(Pass pass, const Site& site) {
  switch (pass) {
    case Pass::ff:
      return ask<Forward>(kForward, site);
    case Pass::bp:
      return ask<BackwardData>(kBackwardData, site);
    case Pass::wu:
      break;
  }
  return ask<WeightGradient>(kWeightGradient, site);
}

void forward(const LayerPlan& plan, const Tensor& x, const WeightOperand& w, const Tensor& bias, Tensor& y,
             const SumOrder& order) {
  run<Forward>(kForward, {{plan, is_channels_last(y), pattern_of(w), order}, x, w, bias, y});
}

void backward_data(const LayerPlan& plan, const Tensor& dy, const WeightOperand& w, Tensor& dx,
                   const SumOrder& order) {
  run<BackwardData>(kBackwardData, {{plan, is_channels_last(dx), pattern_of(w), order}, dy, w, dx});
}

void weight_gradient(const LayerPlan& plan, const SampleKey& key, const Tensor& x, const Tensor& dy,
                     Tensor& dw, const GradientOrder& order) {
  run<WeightGradient>(
      kWeightGradient,
      {{plan, is_channels_last(x), {}, {.skip_padding = order.skip_padding}}, key, x, dy, dw, order});
}

}  // namespace satsuma::cpu

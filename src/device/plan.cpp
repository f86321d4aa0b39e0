#include "satsuma/device/plan.hpp"

#include <fmt/core.h>

#include "satsuma/core/error.hpp"
#include "satsuma/core/integer.hpp"
#include "satsuma/core/memory_format.hpp"

namespace satsuma {

namespace {

constexpr Method kNoMethod = {.name = "dense", .summary = ""};

/// Why nothing in the layer is pruned, whatever the pass; empty where it may be.
std::string whole_layer_reason(const LayerPlan& layer, std::string_view asked_dense) {
  if (!layer.keep_dense.empty()) return layer.keep_dense;
  if (!asked_dense.empty()) return std::string(asked_dense);
  if (layer.geometry.groups > 1) {
    return fmt::format("{} groups of {} input channels", layer.geometry.groups,
                       layer.geometry.in_channels / layer.geometry.groups);
  }
  return "";
}

/// Fills in one pass of a layer that may be pruned.
class PassPlanner {
 public:
  PassPlanner(const LayerPlan& layer, const Sparsity& sparsity, const Method& method)
      : layer_(layer), sparsity_(sparsity), method_(method) {}

  PassPlan ff() const {
    PassPlan pass;
    decide(pass, pass.weight, method_.ff_weight, GroupAxis::input_channels);
    return pass;
  }

  PassPlan bp() const {
    if (method_.bp_gradient != OperandKind::dense) {
      PassPlan pass;
      decide(pass, pass.gradient, method_.bp_gradient, GroupAxis::output_channels);
      return pass;
    }
    PassPlan pass;
    const OperandKind kind = sparsity_.bp_weight.value_or(method_.bp_weight);
    const bool masked = kind == OperandKind::masked;
    // The mask is that of W_ff: it has its axis.
    decide(pass, pass.weight, kind, masked ? GroupAxis::input_channels : GroupAxis::output_channels);
    if (masked && pass.reason.empty()) pass.reason = "a masked weight is not N:M along output channels";
    return pass;
  }

  PassPlan wu() const {
    PassPlan pass;
    if (sparsity_.wu.dense()) {
      pass.reason = "its gradient is not sampled";
    } else {
      pass.gradient = {OperandKind::sampled, sparsity_.wu, GroupAxis::images};
    }
    return pass;
  }

 private:
  void decide(PassPlan& pass, OperandPlan& operand, OperandKind kind, GroupAxis axis) const {
    const bool inputs = axis == GroupAxis::input_channels;
    const std::int64_t length = inputs ? layer_.geometry.in_channels : layer_.geometry.out_channels;
    const Pattern pattern = sparsity_.pattern;
    if (!method_.sparse()) {
      pass.reason = fmt::format("method {}", method_.name);
    } else if (kind == OperandKind::dense) {
      pass.reason = fmt::format("method {} leaves this pass dense", method_.name);
    } else if (pattern.dense()) {
      pass.reason = fmt::format("pattern {} keeps everything", to_string(pattern));
    } else if (length < pattern.m) {
      pass.reason =
          fmt::format("{} {} are fewer than a group of {}", length, to_string(axis), to_string(pattern));
    } else if (method_.transposable && !has_blocks()) {
      pass.reason =
          fmt::format("{} input and {} output channels are no whole blocks of {}x{}",
                      layer_.geometry.in_channels, layer_.geometry.out_channels, pattern.m, pattern.m);
    } else {
      operand = {kind, pattern, axis};
    }
  }

  bool has_blocks() const {
    const Geometry& g = layer_.geometry;
    return g.in_channels % sparsity_.pattern.m == 0 && g.out_channels % sparsity_.pattern.m == 0;
  }

  const LayerPlan& layer_;
  const Sparsity& sparsity_;
  const Method& method_;
};

void check_choice(const Sparsity& sparsity, const Method& method) {
  if (method.bp_gradient != OperandKind::dense && sparsity.pattern.shared > 1) {
    throw UsageError(
        fmt::format("method {} prunes each pixel of dY by itself, got pattern {}, expected {}:{}",
                    method.name, to_string(sparsity.pattern), sparsity.pattern.n, sparsity.pattern.m));
  }
  if (method.transposable && sparsity.pattern.shared > 1) {
    throw UsageError(fmt::format(
        "method {} has positions for each row and column of a block, got pattern {}, expected {}:{}",
        method.name, to_string(sparsity.pattern), sparsity.pattern.n, sparsity.pattern.m));
  }
  if (!sparsity.bp_weight) return;
  if (!method.chooses_bp_weight) {
    throw UsageError(fmt::format("method {} leaves no choice of the weight in BP; sr-ste does", method.name));
  }
  if (*sparsity.bp_weight != OperandKind::masked && *sparsity.bp_weight != OperandKind::packed) {
    throw UsageError(
        fmt::format("the weight in BP got '{}', expected masked or packed", to_string(*sparsity.bp_weight)));
  }
}

}  // namespace

bool LayerPlan::sparse() const {
  for (const PassPlan& pass : passes) {
    if (pass.weight.kind != OperandKind::dense || pass.gradient.kind != OperandKind::dense) return true;
  }
  return false;
}

std::string LayerPlan::dense_reason() const {
  if (sparse()) return "";
  const std::string& ff = (*this)[Pass::ff].reason;
  const std::string& bp = (*this)[Pass::bp].reason;
  if (!(*this)[Pass::bp].run || ff == bp) return ff;
  return fmt::format("FF: {}; BP: {}", ff, bp);
}

LayerPlan planned(LayerPlan layer, const Sparsity& sparsity, std::string_view asked_dense) {
  const Method& method = sparsity.method ? *sparsity.method : kNoMethod;
  validate(sparsity.pattern);
  validate(sparsity.wu);
  check_choice(sparsity, method);

  const std::string whole = whole_layer_reason(layer, asked_dense);
  const PassPlanner planner(layer, sparsity, method);
  std::array<PassPlan, 3> passes;
  if (whole.empty() || (!method.sparse() && sparsity.wu.dense())) {
    passes = {planner.ff(), planner.bp(), planner.wu()};
  } else {
    for (PassPlan& pass : passes) pass.reason = whole;
  }
  layer.passes = std::move(passes);
  // A layer that is to stay as it is does so in every respect.
  if (whole.empty()) layer[Pass::ff].weight.bits = sparsity.ff_bits;
  layer.transposable = method.transposable && layer[Pass::ff].weight.kind == OperandKind::packed;
  const auto leave_out = [&](Pass pass, const char* reason) {
    layer[pass] = {};
    layer[pass].run = false;
    layer[pass].reason = reason;
  };
  if (layer.reads_data) leave_out(Pass::bp, "not run: the input is the image");
  if (layer.forward_only) {
    leave_out(Pass::bp, "not run: forward only");
    leave_out(Pass::wu, "not run: forward only");
  }
  return layer;
}

std::int64_t kept_images(Pattern pattern, std::int64_t images) {
  return images / kLanes * kept_along(pattern, kLanes) + kept_along(pattern, images % kLanes);
}

std::int64_t image_groups(Pattern pattern, std::int64_t images) {
  return images / kLanes * ceil_div(kLanes, pattern.m) + ceil_div(images % kLanes, pattern.m);
}

std::int64_t dense_pass_macs(const LayerPlan& plan, Pass pass, std::int64_t images, std::int64_t out_height,
                             std::int64_t out_width) {
  return plan[pass].run ? images * plan.geometry.dense_macs(out_height, out_width) : 0;
}

std::int64_t pass_macs(const LayerPlan& plan, Pass pass, std::int64_t images, std::int64_t out_height,
                       std::int64_t out_width) {
  const OperandPlan& operand = plan[pass].skipping();
  if (!operand.skips() || !plan[pass].run) {
    return dense_pass_macs(plan, pass, images, out_height, out_width);
  }
  const Geometry& g = plan.geometry;
  const std::int64_t per_pixel = g.kernel[0] * g.kernel[1] * out_height * out_width;
  switch (operand.axis) {
    case GroupAxis::input_channels:
      return images * g.out_channels * kept_along(operand.pattern, g.in_channels) * per_pixel;
    case GroupAxis::output_channels:
      return images * g.in_channels * kept_along(operand.pattern, g.out_channels) * per_pixel;
    case GroupAxis::images:
      break;
  }
  return kept_images(operand.pattern, images) * g.out_channels * g.in_channels * per_pixel;
}

}  // namespace satsuma

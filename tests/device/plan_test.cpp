#include <doctest/doctest.h>

#include <string>

#include "satsuma/core/error.hpp"
#include "satsuma/device/plan.hpp"

namespace satsuma {

namespace {

const Geometry kLayer = {.in_channels = 20, .out_channels = 12, .kernel = {3, 3}};

LayerPlan under(const char* method, Pattern pattern = {2, 8}, Pattern wu = {}) {
  return planned(kLayer, {.method = &find_method(method), .pattern = pattern, .wu = wu});
}

}  // namespace

TEST_CASE("each method prunes the operands that its table says") {
  using enum OperandKind;
  struct Row {
    const char* method;
    OperandKind ff_weight, bp_weight, bp_gradient;
  };
  const Row rows[] = {
      {"dense", dense, dense, dense},  {"sr-ste", packed, masked, dense},
      {"sdgp", dense, dense, pruned},  {"sdwp", dense, packed, dense},
      {"bdwp", packed, packed, dense}, {"transposable", packed, packed, dense},
  };
  for (const Row& row : rows) {
    CAPTURE(row.method);
    const LayerPlan plan = under(row.method, {2, 4});
    CHECK(plan[Pass::ff].weight.kind == row.ff_weight);
    CHECK(plan[Pass::bp].weight.kind == row.bp_weight);
    CHECK(plan[Pass::bp].gradient.kind == row.bp_gradient);
    CHECK(plan[Pass::ff].gradient.kind == dense);
    CHECK_FALSE(plan[Pass::wu].skips());
    CHECK(plan.sparse() == (std::string(row.method) != "dense"));
    // A pass that skips nothing says why.
    for (const PassPlan& pass : plan.passes) CHECK(pass.reason.empty() == pass.skips());
  }
  CHECK(methods().size() == std::size(rows));
  CHECK(under("bdwp")[Pass::ff].weight.axis == GroupAxis::input_channels);
  CHECK(under("bdwp")[Pass::bp].weight.axis == GroupAxis::output_channels);
  CHECK(under("sr-ste")[Pass::bp].weight.axis == GroupAxis::input_channels);
}

TEST_CASE("the gradient of WU is sampled with any method") {
  for (const Method* const method : methods()) {
    const LayerPlan plan = under(method->name.data(), {2, 8}, {1, 4});
    CHECK(plan[Pass::wu].gradient == OperandPlan::sampled({1, 4}));
    CHECK(plan.sparse());
  }
}

TEST_CASE("sr-ste may multiply with a packed weight in BP, others have no choice") {
  const auto with = [](const char* method, OperandKind kind) {
    return planned(kLayer, {.method = &find_method(method), .pattern = {2, 8}, .bp_weight = kind});
  };
  CHECK(with("sr-ste", OperandKind::packed)[Pass::bp].weight ==
        OperandPlan::packed(GroupAxis::output_channels, {2, 8}));
  CHECK_THROWS_AS(with("bdwp", OperandKind::masked), UsageError);
  CHECK_THROWS_AS(with("sr-ste", OperandKind::pruned), UsageError);
}

TEST_CASE("one mask for FF and BP is in whole blocks, or the layer stays dense") {
  CHECK(under("transposable", {2, 4}).transposable);
  CHECK_FALSE(under("bdwp", {2, 4}).transposable);
  const LayerPlan ragged = under("transposable");
  CHECK_FALSE(ragged.transposable);
  CHECK_FALSE(ragged.sparse());
  CHECK(ragged.dense_reason() == "20 input and 12 output channels are no whole blocks of 8x8");
  CHECK_THROWS_AS(under("transposable", {2, 4, 2}), UsageError);
}

TEST_CASE("bits are of the weight in FF alone") {
  const LayerPlan plan = planned(kLayer, {.method = &find_method("bdwp"), .pattern = {2, 8}, .ff_bits = 8});
  CHECK(plan[Pass::ff].weight.bits == 8);
  CHECK(plan[Pass::bp].weight.bits == 0);
  CHECK(plan[Pass::wu].weight.bits == 0);
}

TEST_CASE("a layer that reads the image has no BP, and inference has FF alone") {
  LayerPlan first = kLayer;
  first.reads_data = true;
  first = planned(first, {.method = &find_method("bdwp"), .pattern = {2, 8}});
  CHECK_FALSE(first[Pass::bp].run);
  CHECK(first[Pass::bp].weight.kind == OperandKind::dense);
  CHECK(pass_macs(first, Pass::bp, 1, 4, 5) == 0);
  CHECK(first[Pass::ff].skips());

  LayerPlan inference = kLayer;
  inference.forward_only = true;
  inference = planned(inference, {});
  CHECK_FALSE(inference[Pass::bp].run);
  CHECK_FALSE(inference[Pass::wu].run);
}

TEST_CASE("multiply-adds count what is kept, short groups included") {
  const std::int64_t dense = 12 * 20 * 9 * 4 * 5;
  const auto macs = [](const LayerPlan& plan, Pass pass, std::int64_t images = 1) {
    return pass_macs(plan, pass, images, 4, 5);
  };
  for (const Pass pass : {Pass::ff, Pass::bp, Pass::wu}) CHECK(macs(under("dense"), pass) == dense);
  // 2:8 keeps 2 + 2 + ceil(2 * 4 / 8) = 5 of 20 and 2 + 1 = 3 of 12.
  CHECK(macs(under("bdwp"), Pass::ff) == 12 * 5 * 9 * 20);
  CHECK(macs(under("bdwp"), Pass::bp) == 20 * 3 * 9 * 20);
  CHECK(macs(under("bdwp"), Pass::wu) == dense);
  CHECK(macs(under("sdgp"), Pass::ff) == dense);
  CHECK(macs(under("sdgp"), Pass::bp) == 20 * 3 * 9 * 20);
  CHECK(macs(under("sr-ste"), Pass::ff) == 12 * 5 * 9 * 20);
  CHECK(macs(under("sr-ste"), Pass::bp) == dense);
  // Two blocks of sixteen keep 4 images each; the last block has groups of 8 and 1 image, which keep 2 and 1.
  CHECK(macs(under("dense", {2, 8}, {2, 8}), Pass::wu, 41) == (4 + 4 + 2 + 1) * dense);
  CHECK(dense_pass_macs(under("bdwp"), Pass::ff, 3, 4, 5) == 3 * dense);
  const Geometry grouped = {.in_channels = 16, .out_channels = 16, .groups = 4};
  const LayerPlan plan = planned(grouped, {.method = &find_method("bdwp"), .pattern = {2, 4}, .wu = {2, 8}});
  for (const Pass pass : {Pass::ff, Pass::bp, Pass::wu}) CHECK(pass_macs(plan, pass, 1, 1, 1) == 16 * 4);
}

}  // namespace satsuma

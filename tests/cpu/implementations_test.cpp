#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "src/cpu/implementations.hpp"
#include "src/cpu/kernels/amx.hpp"
#include "src/cpu/kernels/bf16.hpp"

namespace satsuma::cpu {

namespace {

const Geometry kInner = {.in_channels = 32, .out_channels = 32, .kernel = {3, 3}, .padding = {1, 1}};
const Geometry kFirst = {.in_channels = 3, .out_channels = 32, .kernel = {3, 3}, .padding = {1, 1}};

/// Who runs a pass; all that were asked before have refused with a reason.
std::string chosen(Pass pass, const Site& site) {
  const std::vector<Choice> asked = choices(pass, site);
  REQUIRE_FALSE(asked.empty());
  for (std::size_t i = 0; i + 1 < asked.size(); ++i) CHECK_FALSE(asked[i].refusal.empty());
  CHECK(asked.back().refusal.empty());
  return std::string(asked.back().name);
}

}  // namespace

TEST_CASE("a pass is run by the first implementation that does not refuse it") {
  const LayerPlan inner(kInner), first(kFirst);
  for (const Pass pass : {Pass::ff, Pass::bp, Pass::wu}) {
    CHECK(chosen(pass, {inner}) == "tiles");
    CHECK(chosen(pass, {inner, true}) == "channels-last");
    CHECK(chosen(pass, {LayerPlan(kInner, DType::f16)}) == "rounded to f32");
  }
  CHECK(chosen(Pass::ff, {first}) == "unfolded");
  CHECK(chosen(Pass::wu, {first}) == "unfolded");
  CHECK(chosen(Pass::bp, {first}) == "tiles");
  CHECK(chosen(Pass::ff, {first, false, Pattern{2, 8}}) == "tiles");
  CHECK(chosen(Pass::ff, {first, false, {}, {.skip_padding = true}}) == "tiles");
  CHECK(chosen(Pass::ff, {first, false, {}, {.channel_block = 2}}) == "tiles");
}

TEST_CASE("bf16 operands are rounded first where there are no instructions for them") {
  const LayerPlan plan(kInner, DType::bf16);
  if (amx_kernels() != nullptr) return;
  const bool has = bf16_kernels() != nullptr;
  CHECK(chosen(Pass::ff, {plan}) == (has ? "tiles of bf16 pairs" : "rounded to f32"));
  CHECK(chosen(Pass::bp, {plan}) == (has ? "tiles of bf16 pairs" : "rounded to f32"));
  CHECK(chosen(Pass::wu, {plan}) == (has ? "tiles" : "rounded to f32"));
}

TEST_CASE("AMX multiplies what is dense, batch-blocked and of bf16") {
  if (amx_kernels() == nullptr) return;
  const LayerPlan plan(kInner, DType::bf16);
  for (const Pass pass : {Pass::ff, Pass::bp, Pass::wu}) {
    CHECK(chosen(pass, {plan}) == "tiles of AMX");
    CHECK(chosen(pass, {plan, true}) != "tiles of AMX");
    CHECK(chosen(pass, {plan, false, {}, {.skip_padding = true}}) != "tiles of AMX");
    CHECK(chosen(pass, {LayerPlan(kInner)}) == "tiles");
  }
  // Zeros of a few channels cost less than what skips them, those of many more.
  CHECK(chosen(Pass::ff, {plan, false, Pattern{2, 8}}) == "tiles of AMX");
  CHECK(chosen(Pass::bp, {plan, false, Pattern{1, 16}}) != "tiles of AMX");
  CHECK(chosen(Pass::ff, {LayerPlan(kFirst, DType::bf16)}) == "unfolded");
  CHECK(chosen(Pass::wu, {LayerPlan(kFirst, DType::bf16)}) == "unfolded");
  CHECK(chosen(Pass::ff, {LayerPlan({.in_channels = 2, .out_channels = 3}, DType::bf16)}) != "tiles of AMX");
}

TEST_CASE("what a plan leaves out of dY comes before all else") {
  LayerPlan plan(kInner, DType::f16);
  plan[Pass::bp].gradient = OperandPlan::pruned({2, 8});
  plan[Pass::wu].gradient = OperandPlan::sampled({2, 8});
  CHECK(chosen(Pass::bp, {plan, true}) == "pruned dY");
  CHECK(chosen(Pass::wu, {plan, true}) == "sampled dY");
}

}  // namespace satsuma::cpu

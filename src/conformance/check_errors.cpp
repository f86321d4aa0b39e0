#include <fmt/core.h>

#include "satsuma/core/error.hpp"
#include "satsuma/device/sgd_rule.hpp"
#include "src/conformance/cases.hpp"
#include "src/conformance/checks.hpp"
#include "src/conformance/operands.hpp"

namespace satsuma::conformance {

namespace {

const Geometry kLayer = {.in_channels = 16, .out_channels = 16, .kernel = {3, 3}, .padding = {1, 1}};

/// Requests that are rare but valid: the answer is free, but it has to be one.
void check_rare_requests(Verdict& verdict, const Device& device) {
  const auto ask = [&](const LayerPlan& plan, Pass pass) {
    const Support answer = device.supports(plan, pass);
    const std::string what = fmt::format("{} of {}: ", to_string(pass), to_string(plan.geometry));
    verdict.require(answer.yes || !answer.reason.empty(), what + "refused without a reason");
    verdict.require(answer.reason.find('\n') == std::string::npos, what + "a reason of several lines");
  };
  for (const Pass pass : kPasses) {
    Geometry far = kLayer;
    far.dilation = {7, 1};
    far.stride = {1, 9};
    Geometry huge = kLayer;
    huge.in_channels = huge.out_channels = std::int64_t{1} << 40;
    Geometry grouped = kLayer;
    grouped.groups = 4;
    for (const Geometry& geometry : {far, huge, grouped}) ask(geometry, pass);
    for (const OperandKind kind : {OperandKind::packed, OperandKind::pruned, OperandKind::sampled}) {
      const Case rare{"rare", kLayer, {1, 16, 3, 3}, {63, 64}, kind};
      ask(rare.plan(all_types().front()), pass);
    }
  }
}

void check_integer_requests(Verdict& verdict, const Device& device) {
  for (const Pass pass : kPasses) {
    for (const DType dtype : {DType::i64, DType::u8}) {
      const std::string type(to_string(dtype));
      LayerPlan plan(kLayer, dtype);
      verdict.require(!device.supports(plan, pass), "accepts operands of " + type);
      std::swap(plan.dtype, plan.operands);
      verdict.require(!device.supports(plan, pass), "accepts tensors of " + type);
    }
  }
}

template <typename F>
void must_throw(Verdict& verdict, const char* what, F&& f) {
  try {
    f();
    verdict.fail(fmt::format("{}: got no exception", what));
  } catch (const Error& error) {
    const std::string message = error.what();
    verdict.require(!message.empty() && message.find('\n') == std::string::npos,
                    fmt::format("{}: the message is not one line", what));
  }
}

/// Weights that are none are refused, and the device goes on.
void check_bad_weights(Verdict& verdict, Rng& rng, Device& device) {
  const Pattern pattern = {2, 8};
  const GroupAxis axis = GroupAxis::input_channels;
  const Tensor weight = draw(rng, {16, 24, 3, 3}, DType::f32, MemoryFormat::channels_last);
  must_throw(verdict, "compress of a tensor [16, 24]", [&] {
    device.compress(Tensor::zeros({16, 24}), axis, pattern);
  });
  must_throw(verdict, "compress of whole numbers", [&] {
    device.compress(Tensor::zeros({16, 24, 3, 3}, DType::i64), axis, pattern);
  });
  must_throw(verdict, "update with a gradient of another shape", [&] {
    const SgdRule rule;
    device.update({.weight = weight.clone(), .grad = Tensor::zeros({16, 16, 3, 3}), .rule = &rule, .lr = 1});
    device.synchronize();
  });
  verdict.require(
      same_packed(device.compress(weight, axis, pattern), compress_reference(weight, axis, pattern)),
      "after an error compress gives something else");
}

}  // namespace

void check_errors(Recorder& recorder, const Subject& subject) {
  Device& device = *subject.device;
  recorder.check("errors/rare-requests",
                 [&](Verdict& verdict, Rng&) { check_rare_requests(verdict, device); });
  recorder.check("errors/integer-requests",
                 [&](Verdict& verdict, Rng&) { check_integer_requests(verdict, device); });
  recorder.check("errors/bad-weights",
                 [&](Verdict& verdict, Rng& rng) { check_bad_weights(verdict, rng, device); });
}

}  // namespace satsuma::conformance

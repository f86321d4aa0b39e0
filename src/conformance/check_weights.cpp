#include <fmt/core.h>

#include "src/conformance/cases.hpp"
#include "src/conformance/checks.hpp"
#include "src/conformance/operands.hpp"
#include "src/conformance/rules.hpp"

namespace satsuma::conformance {

namespace {

/// Whether the device multiplies with weights of a type and pattern: it has to compress and update what it
/// accepts.
Support computes_in(const Device& device, DType dtype, Pattern pattern) {
  LayerPlan plan({.in_channels = 64, .out_channels = 64},
                 dtype == DType::f32 ? device.default_operands() : DType::f32);
  plan.dtype = dtype;
  plan[Pass::ff].weight = OperandPlan::packed(GroupAxis::input_channels, pattern);
  return device.supports(plan, Pass::ff);
}

const char* name_of(GroupAxis axis) {
  return axis == GroupAxis::input_channels ? "ff" : "bp";
}

void check_compress(Verdict& verdict, Rng& rng, Device& device, GroupAxis axis, Pattern pattern, DType dtype,
                    bool ties) {
  constexpr std::int64_t kExtents[] = {1, 7, 8, 16, 17, 31, 64, 65};
  const auto extent = [&] { return kExtents[rng.below(std::size(kExtents))]; };
  for (int i = 0; i < 2; ++i) {
    const Shape shape = {extent(), extent(), 1 + static_cast<std::int64_t>(rng.below(3)),
                         1 + static_cast<std::int64_t>(rng.below(3))};
    const Tensor weight = draw(rng, shape, dtype, MemoryFormat::channels_last, ties);
    const PackedWeight got = device.compress(weight, axis, pattern);
    const PackedWeight expected = compress_reference(weight, axis, pattern);
    verdict.require(got.pattern == pattern && got.axis == axis && got.dense_shape == shape,
                    fmt::format("packed weight says {} of {}, expected {} of {}", to_string(got.pattern),
                                to_string(got.dense_shape), to_string(pattern), to_string(shape)));
    verdict.same("index ", got.indices, expected.indices);
    verdict.same("value ", got.values, expected.values);
  }
}

void check_packed(Verdict& verdict, const char* what, const PackedWeight& got, const Tensor& weight,
                  GroupAxis axis, Pattern pattern) {
  verdict.require(same_packed(got, compress_reference(weight, axis, pattern)),
                  fmt::format("pre-generated {} of {} is not that of the weight after the step", what,
                              to_string(weight.shape())));
}

/// One step on fresh tensors, with W_ff pre-generated and with both.
void check_step(Verdict& verdict, Rng& rng, const Subject& subject, const UpdateRule& rule,
                const Shape& shape, double sr_ste, Pattern pattern, DType dtype) {
  constexpr double kAdditions = 8;  // a handful, of numbers below 4; tolerance() grants 8 more units
  const bool prune = !pattern.dense();
  const bool both = rng.below(2);
  const auto tensor = [&] { return draw(rng, shape, dtype, MemoryFormat::channels_last); };
  UpdateArgs args{.weight = tensor(), .grad = tensor(), .rule = &rule};
  args.lr = 0.1;
  args.sr_ste = sr_ste;
  args.pattern = pattern;
  for (std::size_t i = 0; i < rule.states(); ++i) args.states[i] = tensor();
  UpdateArgs expected = args;
  expected.weight = args.weight.clone();
  for (std::size_t i = 0; i < rule.states(); ++i) expected.states[i] = args.states[i].clone();
  PackedWeight ff, bp, expected_ff;
  if (prune) {
    args.packed_ff = &ff;
    args.packed_bp = both ? &bp : nullptr;
    expected.packed_ff = &expected_ff;
  }
  subject.device->update(args);
  subject.device->synchronize();
  subject.reference->update(expected);
  const double allowed = tolerance(static_cast<std::int64_t>(kAdditions), dtype);
  verdict.near("weight ", args.weight, expected.weight, allowed);
  for (std::size_t i = 0; i < rule.states(); ++i)
    verdict.near(i == 0 ? "first state " : "second state ", args.states[i], expected.states[i], allowed);
  if (!prune) return;
  check_packed(verdict, "W_ff", ff, args.weight, GroupAxis::input_channels, pattern);
  if (both) check_packed(verdict, "W_bp", bp, args.weight, GroupAxis::output_channels, pattern);
}

void check_update(Verdict& verdict, Rng& rng, const Subject& subject, const UpdateRule& rule, Pattern pattern,
                  DType dtype) {
  for (const Shape& shape : {Shape{33, 24, 3, 3}, Shape{16, 40, 1, 1}, Shape{10, 9, 2, 1}}) {
    check_step(verdict, rng, subject, rule, shape, 0, pattern, dtype);
    if (!pattern.dense()) check_step(verdict, rng, subject, rule, shape, 2e-2, pattern, dtype);
  }
}

}  // namespace

void check_weights(Recorder& recorder, const Subject& subject) {
  std::vector<Pattern> all = {Pattern()};
  all.insert(all.end(), patterns().begin(), patterns().end());
  for (const DType dtype : {DType::f32, DType::f64}) {
    for (const Pattern pattern : all) {
      const auto run = [&](const std::string& name, const std::function<void(Verdict&, Rng&)>& body) {
        recorder.check(name, [&](Verdict& verdict, Rng& rng) {
          if (accepted(verdict, computes_in(*subject.device, dtype, pattern), {})) body(verdict, rng);
        });
      };
      const std::string kind =
          fmt::format("{}/{}", pattern.dense() ? "dense" : to_string(pattern), to_string(dtype));
      for (const GroupAxis axis : {GroupAxis::input_channels, GroupAxis::output_channels}) {
        if (pattern.dense()) break;
        for (const bool ties : {false, true}) {
          run(fmt::format("compress-{}/{}/{}", name_of(axis), kind, ties ? "ties" : "distinct"),
              [&](Verdict& verdict, Rng& rng) {
                check_compress(verdict, rng, *subject.device, axis, pattern, dtype, ties);
              });
        }
      }
      for (const NamedRule& rule : all_rules()) {
        run(fmt::format("update/{}/{}", kind, rule.name), [&](Verdict& verdict, Rng& rng) {
          check_update(verdict, rng, subject, rule.rule, pattern, dtype);
        });
      }
    }
  }
}

}  // namespace satsuma::conformance

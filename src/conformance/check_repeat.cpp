#include <fmt/core.h>

#include "src/conformance/cases.hpp"
#include "src/conformance/checks.hpp"
#include "src/conformance/operands.hpp"
#include "src/conformance/rules.hpp"

// The same call on the same operands gives the same bits, whatever ran in between: a run can be repeated.

namespace satsuma::conformance {

namespace {

constexpr int kRepetitions = 3;

std::vector<Case> layers() {
  const Geometry large = {.in_channels = 48, .out_channels = 33, .kernel = {3, 3}, .padding = {1, 1}};
  return {{"repeat", large, {17, 48, 6, 6}, {}}, {"repeat", large, {17, 48, 6, 6}, {2, 8}}};
}

void check_pass(Verdict& verdict, Rng& rng, Device& device, const Case& layer, Types types, Pass pass) {
  const Operands operands(rng, layer, types, device.activation_format_of(layer.input[0]));
  const PassWeight weight(device, layer, pass, operands.weight);
  const PassResult first = run_pass(device, layer, types, pass, operands, weight);
  for (int i = 1; i < kRepetitions; ++i) {
    // Another weight in between, so that what a device keeps between calls is found out.
    const Operands other(rng, layer, types, device.activation_format_of(layer.input[0]));
    run_pass(device, layer, types, pass, other, PassWeight(device, layer, pass, other.weight));
    const PassResult again = run_pass(device, layer, types, pass, operands, weight);
    verdict.same("the second time element ", again.main, first.main);
    if (first.dbias.defined())
      verdict.same("the second time gradient of the bias ", again.dbias, first.dbias);
  }
}

void check_update(Verdict& verdict, Rng& rng, Device& device, const UpdateRule& rule) {
  const Shape shape = {33, 24, 3, 3};
  const Pattern pattern = {2, 8};
  const auto tensor = [&] { return draw(rng, shape, DType::f32, MemoryFormat::channels_last); };
  const Tensor weight = tensor(), grad = tensor(), first_state = tensor(), second_state = tensor();
  const auto run = [&](PackedWeight& ff, PackedWeight& bp) {
    UpdateArgs args{.weight = weight.clone(), .grad = grad};
    if (rule.states() > 0) args.states[0] = first_state.clone();
    if (rule.states() > 1) args.states[1] = second_state.clone();
    args.rule = &rule;
    args.lr = 0.1;
    args.sr_ste = 1e-3;
    args.pattern = pattern;
    args.packed_ff = &ff;
    args.packed_bp = &bp;
    device.update(args);
    device.synchronize();
    return args.weight;
  };
  PackedWeight ff, bp, ff_again, bp_again;
  const Tensor first = run(ff, bp);
  verdict.same("the second time weight ", run(ff_again, bp_again), first);
  verdict.require(same_packed(ff, ff_again) && same_packed(bp, bp_again),
                  "the second time the packed weights are others");
}

}  // namespace

void check_repeat(Recorder& recorder, const Subject& subject) {
  Device& device = *subject.device;
  for (const Types& types : all_types()) {
    for (const Case& layer : layers()) {
      for (const Pass pass : kPasses) {
        if (pass == Pass::wu && !layer.pattern.dense()) continue;
        const std::string name =
            fmt::format("repeat/{}/{}/{}", short_name(pass),
                        layer.pattern.dense() ? "dense" : to_string(layer.pattern), types.name);
        recorder.check(name, [&](Verdict& verdict, Rng& rng) {
          if (accepted(verdict, ask(device, layer, types, pass), {}))
            check_pass(verdict, rng, device, layer, types, pass);
        });
      }
    }
  }
  recorder.check("repeat/update", [&](Verdict& verdict, Rng& rng) {
    if (!accepted(verdict, ask(device, layers().back(), all_types().front(), Pass::ff), {})) return;
    for (const NamedRule& rule : all_rules()) check_update(verdict, rng, device, rule.rule);
  });
}

}  // namespace satsuma::conformance

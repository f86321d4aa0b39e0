#include <fmt/core.h>

#include "src/conformance/cases.hpp"
#include "src/conformance/checks.hpp"
#include "src/conformance/operands.hpp"

namespace satsuma::conformance {

bool accepted(Verdict& verdict, const Support& device, const Support& reference) {
  if (!device) {
    verdict.refused(device.reason);
  } else if (!reference) {
    verdict.unchecked("the reference has no answer: " + reference.reason);
  }
  return device.yes && reference.yes;
}

namespace {

void check_counters(Verdict& verdict, const Device& device, const Case& layer, const LayerPlan& plan,
                    Pass pass) {
  const Shape out = layer.output();
  const Counters::PerPass& counter = device.counters()[pass];
  const std::int64_t macs = pass_macs(plan, pass, out[0], out[2], out[3]);
  const std::int64_t dense = dense_pass_macs(plan, pass, out[0], out[2], out[3]);
  const auto expect = [&](const char* what, std::int64_t got, std::int64_t expected) {
    verdict.require(got == expected, fmt::format("counter of {} is {}, expected {} for {}", what, got,
                                                 expected, layer.text()));
  };
  expect("calls", counter.calls, 1);
  expect("multiply-adds", counter.macs, macs);
  expect("dense multiply-adds", counter.dense_macs, dense);
}

void check_pass(Verdict& verdict, Rng& rng, const Subject& subject, const Case& layer, Types types, Pass pass,
                MemoryFormat format) {
  Device& device = *subject.device;
  Device& reference = *subject.reference;
  const Operands operands(rng, layer, types, format);
  const bool foreign = rng.below(2);  // packed by somebody else, without the device's own form
  const PassWeight expected_weight(reference, layer, pass, operands.weight);
  device.reset_counters();
  const PassResult got =
      run_pass(device, layer, types, pass, operands,
               foreign ? expected_weight : PassWeight(device, layer, pass, operands.weight));
  check_counters(verdict, device, layer, layer.plan(types), pass);
  const PassResult expected = run_pass(reference, layer, types, pass, operands, expected_weight);
  const double allowed = tolerance(layer.reduction(pass), types.tensors);
  const std::string what = fmt::format("{} of {}: element ",
                                       pass == Pass::ff   ? "Y"
                                       : pass == Pass::bp ? "dX"
                                                          : "dW",
                                       layer.text());
  verdict.near(what.c_str(), got.main, expected.main, allowed);
  if (pass != Pass::wu) verdict.finite(what.c_str(), got.main);
  if (expected.dbias.defined())
    verdict.near("gradient of the bias: element ", got.dbias, expected.dbias, allowed);
}

}  // namespace

void check_passes(Recorder& recorder, const Subject& subject) {
  for (const Types& types : all_types()) {
    for (const Case& layer : all_cases(recorder.options().seed)) {
      for (const Pass pass : kPasses) {
        // A pass that the pattern does not concern is dense: once is enough.
        const bool concerned = layer.concerns(pass);
        const bool own = layer.kind == OperandKind::packed && (layer.pattern.dense() || layer.name == "any");
        if (!concerned && !own) continue;
        const std::string name = fmt::format(
            "{}/{}{}/{}/{}", short_name(pass), concerned && layer.kind != OperandKind::packed ? "dY-" : "",
            concerned && !layer.pattern.dense() ? to_string(layer.pattern) : "dense", types.name, layer.name);
        recorder.check(name, [&](Verdict& verdict, Rng& rng) {
          if (accepted(verdict, ask(*subject.device, layer, types, pass),
                       ask(*subject.reference, layer, types, pass))) {
            const MemoryFormat usual = subject.device->activation_format();
            const MemoryFormat of_batch = subject.device->activation_format_of(layer.input[0]);
            check_pass(verdict, rng, subject, layer, types, pass, usual);
            if (of_batch != usual) check_pass(verdict, rng, subject, layer, types, pass, of_batch);
          }
        });
      }
    }
  }
}

}  // namespace satsuma::conformance

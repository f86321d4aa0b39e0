#include <fmt/core.h>

#include "satsuma/core/error.hpp"
#include "satsuma/device/contraction.hpp"
#include "satsuma/device/sgd_rule.hpp"
#include "src/conformance/cases.hpp"
#include "src/conformance/checks.hpp"
#include "src/conformance/operands.hpp"

// Results do not depend on whose memory operands lie in and who has packed the weights; and a layer that is
// placed on the device trains as on the reference.

namespace satsuma::conformance {

namespace {

const Case kLayer = {"placement",
                     {.in_channels = 40, .out_channels = 24, .kernel = {3, 3}, .padding = {1, 1}},
                     {17, 40, 5, 4},
                     {2, 8}};

void check_memory(Verdict& verdict, Rng& rng, Device& device, Pass pass) {
  const Operands host(rng, kLayer, own_types(device), device.activation_format_of(kLayer.input[0]));
  Operands own = host;
  own.x = on_device(device, host.x);
  own.dy = on_device(device, host.dy);
  own.weight = on_device(device, host.weight);
  if (host.bias.defined()) own.bias = on_device(device, host.bias);
  const PassResult a =
      run_pass(device, kLayer, own_types(device), pass, host, PassWeight(device, kLayer, pass, host.weight));
  const PassResult b =
      run_pass(device, kLayer, own_types(device), pass, own, PassWeight(device, kLayer, pass, own.weight));
  verdict.same("with operands in the device's memory element ", b.main, a.main);
}

void check_foreign(Verdict& verdict, Rng& rng, const Subject& subject, Pass pass) {
  Device& device = *subject.device;
  const Operands operands(rng, kLayer, own_types(device), device.activation_format_of(kLayer.input[0]));
  const PassWeight own(device, kLayer, pass, operands.weight);
  const PassWeight foreign(*subject.reference, kLayer, pass, operands.weight);
  const PassResult a = run_pass(device, kLayer, own_types(device), pass, operands, own);
  const PassResult b = run_pass(device, kLayer, own_types(device), pass, operands, foreign);
  const PassResult c = run_pass(device, kLayer, own_types(device), pass, operands, own);
  verdict.same("with weights packed by another device element ", b.main, a.main);
  verdict.same("after weights packed by another device element ", c.main, a.main);
}

/// Three training steps of a layer; weights are made equal again after each, since a rounding may decide
/// which of two weights is kept.
void check_layer(Verdict& verdict, Rng& rng, const Subject& subject) {
  const Geometry& geometry = kLayer.geometry;
  const Tensor weight = draw(rng, geometry.weight_shape(), DType::f32, MemoryFormat::channels_last);
  Contraction mine("mine", geometry, weight.clone());
  Contraction oracle("oracle", geometry, weight.clone());
  ContractionSettings settings{.sparsity = {.method = &find_method("bdwp"), .pattern = kLayer.pattern}};
  settings.operands = subject.device->default_operands();
  settings.device = subject.reference;
  oracle.configure(settings);
  settings.device = subject.device;
  mine.configure(settings);
  if (mine.fallbacks() > 0) return verdict.refused("a pass falls back to another device");
  const Tensor velocity = Tensor::zeros(weight.shape(), DType::f32, MemoryFormat::channels_last);
  for (int step = 0; step < 3; ++step) {
    const Tensor x = draw(rng, kLayer.input, DType::f32, MemoryFormat::row_major);
    const Tensor dy = draw(rng, kLayer.output(), DType::f32, MemoryFormat::row_major);
    const auto allowed = [](Pass pass) { return tolerance(kLayer.reduction(pass), DType::f32); };
    const std::string at = fmt::format("step {}: ", step + 1);
    const Tensor y = mine.forward(x, {});
    const Tensor dx = mine.backward_data(dy, x.shape());
    const auto grad = mine.backward_weights(x, dy, true);
    subject.device->synchronize();
    verdict.near((at + "Y").c_str(), y, oracle.forward(x, {}), allowed(Pass::ff));
    verdict.near((at + "dX").c_str(), dx, oracle.backward_data(dy, x.shape()), allowed(Pass::bp));
    const auto expected = oracle.backward_weights(x, dy, true);
    verdict.near((at + "dW").c_str(), grad.weight, expected.weight, allowed(Pass::wu));
    verdict.near((at + "db").c_str(), grad.bias, expected.bias, allowed(Pass::wu));
    const SgdRule rule({.momentum = 0.9});
    const Tensor other_velocity = velocity.clone();
    mine.update(grad.weight, {&velocity, 1}, rule, 0.01);
    subject.device->synchronize();
    oracle.update(grad.weight, {&other_velocity, 1}, rule, 0.01);
    // Gradients are sums of some hundred terms.
    verdict.near((at + "W").c_str(), mine.weight(), oracle.weight(), tolerance(64, DType::f32));
    Tensor same = oracle.weight();
    same.copy_from(mine.weight());
  }
}

}  // namespace

void check_placement(Recorder& recorder, const Subject& subject) {
  Device& device = *subject.device;
  for (const Pass pass : kPasses) {
    const auto run = [&](const char* name, const std::function<void(Verdict&, Rng&)>& body) {
      recorder.check(fmt::format("placement/{}/{}", name, short_name(pass)), [&](Verdict& verdict, Rng& rng) {
        if (accepted(verdict, ask(device, kLayer, own_types(device), pass), {})) body(verdict, rng);
      });
    };
    run("memory", [&](Verdict& verdict, Rng& rng) { check_memory(verdict, rng, device, pass); });
    if (pass == Pass::wu) continue;
    run("foreign-weights", [&](Verdict& verdict, Rng& rng) { check_foreign(verdict, rng, subject, pass); });
  }
  recorder.check("placement/layer", [&](Verdict& verdict, Rng& rng) { check_layer(verdict, rng, subject); });
}

}  // namespace satsuma::conformance

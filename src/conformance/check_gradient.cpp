#include <fmt/core.h>

#include <cmath>
#include <vector>

#include "satsuma/device/rounding.hpp"
#include "src/conformance/cases.hpp"
#include "src/conformance/checks.hpp"
#include "src/conformance/operands.hpp"

// The passes of one device against each other. FF is linear in x, in W and in the bias b; BP and WU have to
// be its adjoints:
//   <dY, X * W> = <dX, X>       <dY, X * W> = <dW, W>       <dY, Y(b) - Y(0)> = <db, b>
// which no mistake that is made in one pass alone survives, and which needs no reference.

namespace satsuma::conformance {

namespace {

constexpr Pattern kSparse = {2, 8};

double dot(const Tensor& a, const Tensor& b) {
  const auto x = a.to_vector<double>();
  const auto y = b.to_vector<double>();
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += x[i] * y[i];
  return sum;
}

/// Errors of the elements of a result, each below `each`, as they add up in a dot product with `other`: they
/// are roundings, of either sign, so that four standard deviations are granted.
double spread(const Tensor& other, double each) {
  return 4 * std::sqrt(dot(other, other)) * each;
}

void equal(Verdict& verdict, const char* what, double got, double expected, double allowed) {
  verdict.near(what, Tensor::full({1}, got, DType::f64), Tensor::full({1}, expected, DType::f64), allowed);
}

/// A weight that is N:M along both axes, so that W_ff and W_bp are the same weight: (k, c) is kept where
/// (k + c) mod M < N. Channels are multiples of M.
void prune_both_ways(Tensor& weight, Pattern pattern) {
  float* const values = weight.data<float>();
  for (std::int64_t k = 0; k < weight.dim(0); ++k) {
    for (std::int64_t c = 0; c < weight.dim(1); ++c) {
      if ((k + c) % pattern.m < pattern.n) continue;
      for (std::int64_t r = 0; r < weight.dim(2); ++r) {
        for (std::int64_t s = 0; s < weight.dim(3); ++s) values[weight.offset({k, c, r, s})] = 0;
      }
    }
  }
}

/// Operands that rounding leaves as they are, and no bias.
Operands exact_operands(Rng& rng, const Case& layer, Types types, MemoryFormat format) {
  Operands operands(rng, layer, types, format);
  operands.x = rounded(operands.x, types.operands);
  operands.dy = rounded(operands.dy, types.operands);
  operands.weight = rounded(operands.weight, types.operands);
  operands.bias = {};
  return operands;
}

void check_input_adjoint(Verdict& verdict, Rng& rng, Device& device, const Case& layer, Types types) {
  Operands operands = exact_operands(rng, layer, types, device.activation_format_of(layer.input[0]));
  if (!layer.pattern.dense()) prune_both_ways(operands.weight, layer.pattern);
  const auto run = [&](Pass pass) {
    return run_pass(device, layer, types, pass, operands, PassWeight(device, layer, pass, operands.weight));
  };
  const double forward = dot(operands.dy, run(Pass::ff).main);
  const double backward = dot(run(Pass::bp).main, operands.x);
  const double allowed = spread(operands.dy, tolerance(layer.reduction(Pass::ff), types.tensors)) +
                         spread(operands.x, tolerance(layer.reduction(Pass::bp), types.tensors));
  equal(verdict, "<dX, X>, which should be <dY, X * W>, ", backward, forward, allowed);
}

void check_weight_adjoint(Verdict& verdict, Rng& rng, Device& device, const Case& layer, Types types) {
  Operands operands = exact_operands(rng, layer, types, device.activation_format_of(layer.input[0]));
  Tensor effective = operands.weight;
  if (!layer.pattern.dense()) {
    effective = expand(device.compress(operands.weight, GroupAxis::input_channels, layer.pattern));
  }
  const PassWeight weight(device, layer, Pass::ff, operands.weight);
  const double each = tolerance(layer.reduction(Pass::ff), types.tensors);
  const Tensor plain = run_pass(device, layer, types, Pass::ff, operands, weight).main;
  operands.bias = draw(rng, {layer.geometry.out_channels}, types.tensors, MemoryFormat::row_major);
  const Tensor biased = run_pass(device, layer, types, Pass::ff, operands, weight).main;
  const PassResult grad = run_pass(device, layer, types, Pass::wu, operands, weight);
  const double allowed =
      spread(operands.dy, each) + spread(effective, tolerance(layer.reduction(Pass::wu), types.tensors));
  equal(verdict, "<dW, W>, which should be <dY, X * W>, ", dot(grad.main, effective), dot(operands.dy, plain),
        allowed);
  const double sums = tolerance(layer.reduction(Pass::wu), types.tensors);
  equal(verdict, "<db, b>, which should be <dY, Y(b) - Y(0)>, ", dot(grad.dbias, operands.bias),
        dot(operands.dy, biased) - dot(operands.dy, plain),
        2 * spread(operands.dy, each) + spread(operands.bias, sums));
}

/// One layer of each class, dense and 2:8.
std::vector<Case> layers(std::uint64_t seed) {
  std::vector<Case> chosen;
  for (Case& layer : all_cases(seed)) {
    const bool dense = layer.pattern.dense();
    if (layer.kind != OperandKind::packed) continue;  // what prunes dY is no linear map
    if (!dense && !(layer.pattern == kSparse)) continue;
    if (layer.name.starts_with("layer-") || layer.name == "one-of-all") continue;
    chosen.push_back(std::move(layer));
  }
  return chosen;
}

/// The same layer with channels that are whole groups.
Case whole_groups(Case layer) {
  const auto up = [](std::int64_t channels) { return (channels + kSparse.m - 1) / kSparse.m * kSparse.m; };
  layer.geometry.in_channels = layer.input[1] = up(layer.geometry.in_channels);
  layer.geometry.out_channels = up(layer.geometry.out_channels);
  return layer;
}

}  // namespace

void check_gradient(Recorder& recorder, const Subject& subject) {
  Device& device = *subject.device;
  const auto need = [&](Verdict& verdict, const Case& layer, Types types,
                        std::initializer_list<Pass> passes) {
    for (const Pass pass : passes) {
      if (!accepted(verdict, ask(device, layer, types, pass), {})) return false;
    }
    return true;
  };
  for (const Types& types : all_types()) {
    if (types.tensors != DType::f32) continue;
    for (const Case& layer : layers(recorder.options().seed)) {
      const std::string kind = fmt::format(
          "{}/{}/{}", layer.pattern.dense() ? "dense" : to_string(layer.pattern), types.name, layer.name);
      recorder.check("gradient-input/" + kind, [&](Verdict& verdict, Rng& rng) {
        const Case whole = layer.pattern.dense() ? layer : whole_groups(layer);
        if (need(verdict, whole, types, {Pass::ff, Pass::bp}))
          check_input_adjoint(verdict, rng, device, whole, types);
      });
      recorder.check("gradient-weight/" + kind, [&](Verdict& verdict, Rng& rng) {
        if (need(verdict, layer, types, {Pass::ff, Pass::wu}))
          check_weight_adjoint(verdict, rng, device, layer, types);
      });
    }
  }
}

}  // namespace satsuma::conformance

#include <fmt/core.h>

#include <cmath>
#include <vector>

#include "src/conformance/cases.hpp"
#include "src/conformance/checks.hpp"
#include "src/conformance/operands.hpp"

// What a single product with a sampled dY cannot show: that each seed, step and layer draws anew, also after
// another one has, and that what is drawn is the dense gradient in the mean.

namespace satsuma::conformance {

namespace {

/// Two blocks of images, the second of three: groups of eight, and one that is short.
const Case kLayer = {"sampling",
                     {.in_channels = 24, .out_channels = 20, .kernel = {3, 3}, .padding = {1, 1}},
                     {19, 24, 4, 3},
                     {2, 8},
                     OperandKind::sampled};
const Case kSmall = {
    "sampling", {.in_channels = 4, .out_channels = 3}, {19, 4, 1, 2}, {2, 8}, OperandKind::sampled};

constexpr SampleKey kKey = {5, 7, 3};
constexpr struct {
  const char* name;
  SampleKey key;  ///< kKey but for what the name says
} kOthers[] = {{"seed", {6, 7, 3}}, {"step", {5, 8, 3}}, {"layer", {5, 7, 4}}};

constexpr int kDraws = 256;
/// Standard errors that a mean may be off by: chance does that to one element in two million.
constexpr double kMostErrors = 5;

void check_key(Verdict& verdict, Rng& rng, const Subject& subject, Types types, const SampleKey& other) {
  Device& device = *subject.device;
  const Operands operands(rng, kLayer, types, device.activation_format_of(kLayer.input[0]));
  const PassWeight weight(device, kLayer, Pass::wu, operands.weight);
  const double allowed = tolerance(kLayer.reduction(Pass::wu), types.tensors);
  for (const SampleKey& key : {kKey, other, kKey}) {
    const PassResult got = run_pass(device, kLayer, types, Pass::wu, operands, weight, key);
    const PassResult expected = run_pass(*subject.reference, kLayer, types, Pass::wu, operands, weight, key);
    const std::string what =
        fmt::format("dW of seed {}, step {}, layer {}: element ", key.seed, key.step, key.layer);
    verdict.near(what.c_str(), got.main, expected.main, allowed);
  }
}

/// The mean over many steps against the product with the whole dY, in standard errors of that mean, which
/// are taken from the draws themselves.
void check_mean(Verdict& verdict, Rng& rng, const Subject& subject, Types types) {
  Device& device = *subject.device;
  const Operands operands(rng, kSmall, types, device.activation_format_of(kSmall.input[0]));
  const PassWeight weight(device, kSmall, Pass::wu, operands.weight);
  Case whole = kSmall;
  whole.pattern = {};
  const auto dense =
      run_pass(*subject.reference, whole, types, Pass::wu, operands, weight).main.to_vector<double>();
  std::vector<double> sums(dense.size()), squares(dense.size());
  for (int step = 0; step < kDraws; ++step) {
    const SampleKey key = {kKey.seed, static_cast<std::uint64_t>(step), kKey.layer};
    const auto draw =
        run_pass(device, kSmall, types, Pass::wu, operands, weight, key).main.to_vector<double>();
    for (std::size_t i = 0; i < dense.size(); ++i) {
      const double off = draw[i] - dense[i];
      sums[i] += off;
      squares[i] += off * off;
    }
  }
  std::vector<double> errors(dense.size());
  for (std::size_t i = 0; i < dense.size(); ++i) {
    const double mean = sums[i] / kDraws;
    const double variance = squares[i] / kDraws - mean * mean;
    errors[i] = mean / std::sqrt(variance / kDraws);
  }
  const Shape shape = {static_cast<std::int64_t>(errors.size())};
  verdict.near(
      fmt::format("mean dW of {} steps less that of the whole dY, in standard errors: element ", kDraws)
          .c_str(),
      Tensor::from(errors, shape), Tensor::zeros(shape, DType::f64), kMostErrors);
}

}  // namespace

void check_sampling(Recorder& recorder, const Subject& subject) {
  for (const Types& types : all_types()) {
    const auto run = [&](const char* name, const Case& layer, const auto& body) {
      recorder.check(fmt::format("sampling/{}/{}", name, types.name), [&](Verdict& verdict, Rng& rng) {
        if (accepted(verdict, ask(*subject.device, layer, types, Pass::wu),
                     ask(*subject.reference, layer, types, Pass::wu)))
          body(verdict, rng);
      });
    };
    for (const auto& [name, key] : kOthers) {
      run(name, kLayer,
          [&, &other = key](Verdict& verdict, Rng& rng) { check_key(verdict, rng, subject, types, other); });
    }
    run("mean", kSmall, [&](Verdict& verdict, Rng& rng) { check_mean(verdict, rng, subject, types); });
  }
}

}  // namespace satsuma::conformance

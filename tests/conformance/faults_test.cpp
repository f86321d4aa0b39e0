#include <doctest/doctest.h>

#include <string>

#include "conformance/faulty_device.hpp"
#include "satsuma/conformance/suite.hpp"

// The conformance suite is only worth something when it finds what a device may get wrong, and says where.

namespace satsuma {

namespace {

using testing::Fault;

struct Planted {
  const char* what;
  Fault fault;
  const char* check;  ///< begins the name of a check that has to find it
};

constexpr Planted kPlanted[] = {
    {"an output that is off", Fault::one_output, "ff/dense/f32/"},
    {"an output that is off, by the adjoint", Fault::wrong_row, "gradient-input/2:8/"},
    {"an input gradient that is off", Fault::one_gradient, "bp/2:8/f32/"},
    {"a missing bias", Fault::no_bias, "ff/"},
    {"a missing bias, by its adjoint", Fault::no_bias, "gradient-weight/"},
    {"a gradient of the turned kernel", Fault::flipped_kernel, "wu/dense/f32/"},
    {"a gradient of the turned kernel, by its adjoint", Fault::flipped_kernel, "gradient-weight/dense/"},
    {"dilation of the wrong axis", Fault::dilation_swapped, "ff/"},
    {"padding lanes in a weight gradient", Fault::padding_lanes, "wu/dense/f32/ragged"},
    {"padding lanes that are not written", Fault::dirty_padding, "bp/"},
    {"groups along the wrong axis", Fault::wrong_axis, "compress-ff/"},
    {"an off-by-one in a ragged group", Fault::ragged_group, "compress-bp/"},
    {"an off-by-one in a ragged group, in a pass", Fault::ragged_group, "ff/2:8/"},
    {"ties broken the other way", Fault::ties, "compress-ff/1:4/f32/ties"},
    {"pre-generated weights of the step before", Fault::stale_packed, "update/2:8/"},
    {"pre-generated weights of the step before, in training", Fault::stale_packed, "placement/layer"},
    {"a packed weight that is not pre-generated", Fault::forgets_ff, "update/2:8/f32/sgd"},
    {"a missing SR-STE term", Fault::no_sr_ste, "update/2:8/f32/sgd"},
    {"a missing SR-STE term of an adaptive rule", Fault::no_sr_ste, "update/2:8/f32/layerwise"},
    {"a state that stays as it was", Fault::keeps_state, "update/2:8/f32/adaptive"},
    {"operations counted as if nothing was pruned", Fault::miscounted, "ff/2:8/f32/"},
    {"packed weights of another row", Fault::wrong_row, "bp/2:8/f32/"},
    {"a sum whose bits depend on what ran before", Fault::unordered_sum, "repeat/ff/dense/f32"},
    {"packed weights of an earlier call", Fault::keeps_weights, "placement/layer"},
    {"a device that works in one thread only", Fault::thread_bound, "threads/other/ff"},
    {"a result that depends on the number of threads", Fault::thread_count, "threads/count/wu"},
    {"a sampled gradient that is not scaled", Fault::unscaled, "wu/dY-2:8/f32/"},
    {"a sampled gradient that is not scaled, without a reference", Fault::unscaled, "sampling/mean/f32"},
    {"a sampled gradient scaled by M / N", Fault::even_scale, "wu/dY-2:8/f32/"},
    {"a sampled gradient scaled by M / N, without a reference", Fault::even_scale, "sampling/mean/f32"},
    {"the same draw in every step", Fault::same_steps, "sampling/step/f32"},
    {"the same draw in every layer", Fault::same_layers, "sampling/layer/f32"},
    {"a bias gradient of the sampled elements", Fault::bias_of_sampled, "wu/dY-2:8/f32/"},
    {"memory that is not aligned", Fault::unaligned, "memory/blocks"},
    {"a yes to everything", Fault::takes_anything, "errors/integer-requests"},
    {"a refusal without a reason", Fault::no_reason, "ff/dense/f64/"},
    {"a refusal of two lines", Fault::two_lines, "ff/dense/f64/"},
    {"a weight that is none", Fault::accepts_nonsense, "errors/bad-weights"},
};

conformance::Report run(Fault fault, const std::string& filter) {
  return conformance::run(std::make_shared<testing::FaultyDevice>(fault), {.filter = filter});
}

}  // namespace

TEST_CASE("a sound device passes the conformance suite") {
  const conformance::Report report = run(Fault::none, "*");
  for (const conformance::Check& check : report.checks) {
    CAPTURE(check.name);
    CAPTURE(check.detail);
    CHECK(check.outcome != conformance::Outcome::failed);
  }
}

TEST_CASE("the conformance suite finds every planted fault") {
  for (const Planted& planted : kPlanted) {
    const std::string what = planted.what;
    const std::string filter = std::string(planted.check) + "*";
    CAPTURE(what);
    const conformance::Report report = run(planted.fault, filter);
    CHECK(report.count(conformance::Outcome::failed) > 0);
    // The same checks find nothing where nothing is planted.
    for (const conformance::Check& check : run(Fault::none, filter).checks) {
      CAPTURE(check.name);
      CAPTURE(check.detail);
      CHECK(check.outcome != conformance::Outcome::failed);
    }
  }
}

}  // namespace satsuma

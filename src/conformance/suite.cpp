#include "satsuma/conformance/suite.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "satsuma/core/error.hpp"
#include "satsuma/core/nearest.hpp"
#include "src/conformance/cases.hpp"
#include "src/conformance/checks.hpp"
#include "src/conformance/operands.hpp"

namespace satsuma::conformance {

namespace {

constexpr Mode kModes[] = {Mode::correctness, Mode::gradient, Mode::performance, Mode::support};

/// A device that refuses everything passes no check by that.
void check_some_pass(Recorder& recorder, const Subject& subject) {
  for (const Pass pass : kPasses) {
    recorder.check(fmt::format("support/{}", short_name(pass)), [&](Verdict& verdict, Rng&) {
      const Case plain = {"plain", {.in_channels = 64, .out_channels = 64}, {16, 64, 4, 4}, {}};
      Case sparse = plain;
      sparse.pattern = {2, 8};
      const Types types = all_types().front();
      const Support dense_answer = ask(*subject.device, plain, types, pass);
      const Support sparse_answer = ask(*subject.device, sparse, types, pass);
      if (!dense_answer && !sparse_answer) verdict.refused(dense_answer.reason);
    });
  }
}

void run_mode(Mode mode, Recorder& recorder, const Subject& subject) {
  switch (mode) {
    case Mode::correctness:
      for (const auto part : {check_passes, check_sampling, check_weights, check_repeat, check_placement,
                              check_memory, check_errors, check_threads}) {
        part(recorder, subject);
      }
      break;
    case Mode::gradient:
      check_gradient(recorder, subject);
      break;
    case Mode::performance:
      measure(recorder, subject);
      break;
    case Mode::support:
      check_some_pass(recorder, subject);
      break;
  }
}

}  // namespace

std::string_view to_string(Mode mode) {
  switch (mode) {
    case Mode::correctness:
      return "correctness";
    case Mode::gradient:
      return "gradient";
    case Mode::performance:
      return "performance";
    case Mode::support:
      break;
  }
  return "support";
}

Mode parse_mode(std::string_view name) {
  return find_named("mode", name, kModes);
}

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::passed:
      return "passed";
    case Outcome::failed:
      return "failed";
    case Outcome::refused:
      return "refused";
    case Outcome::unchecked:
      break;
  }
  return "unchecked";
}

std::int64_t Report::count(Outcome outcome) const {
  return std::count_if(checks.begin(), checks.end(),
                       [&](const Check& check) { return check.outcome == outcome; });
}

Report run(const std::shared_ptr<Device>& device, const Options& options) {
  const Subject subject{device, make_reference()};
  Report report;
  Recorder recorder(report, options);
  for (const Mode mode : options.modes) run_mode(mode, recorder, subject);
  if (report.checks.empty()) {
    throw UsageError(
        fmt::format("no check has a name like '{}'; names look like ff/2:8/f32/stride", options.filter));
  }
  report.support = support_table(*device);
  return report;
}

}  // namespace satsuma::conformance

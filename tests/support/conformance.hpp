#pragma once

#include <doctest/doctest.h>

#include <memory>

#include "satsuma/conformance/suite.hpp"

namespace satsuma::testing {

/// Runs the suite: every failed check is a failure of the test at hand, and more than `least` have to pass.
inline void expect_conformance(const std::shared_ptr<Device>& device, const conformance::Options& options,
                               std::int64_t least) {
  const conformance::Report report = conformance::run(device, options);
  for (const conformance::Check& check : report.checks) {
    CAPTURE(check.name);
    CAPTURE(check.detail);
    CHECK(check.outcome != conformance::Outcome::failed);
  }
  MESSAGE(device->name(), ": ", report.count(conformance::Outcome::passed), " passed, ",
          report.count(conformance::Outcome::refused), " refused");
  CHECK(report.count(conformance::Outcome::passed) > least);
}

}  // namespace satsuma::testing

#include "satsuma/conformance/suite.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>

#include "conformance/faulty_device.hpp"
#include "satsuma/core/error.hpp"

namespace satsuma {

namespace {

conformance::Report run(const std::string& filter, std::uint64_t seed = 1) {
  return conformance::run(find_device("reference"), {.filter = filter, .seed = seed});
}

}  // namespace

TEST_CASE("names of checks are unique, and cover passes, types and classes of shapes") {
  const conformance::Report report =
      conformance::run(std::make_shared<testing::FaultyDevice>(testing::Fault::none));
  std::set<std::string> names;
  for (const conformance::Check& check : report.checks) names.insert(check.name);
  CHECK(names.size() == report.checks.size());
  for (const char* const name :
       {"ff/dense/f32/1x1", "bp/2:8/f32/stride", "wu/dense/f32/ragged", "bp/dY-2:8/f32/any",
        "wu/dY-4:8/f32.bf16/ragged", "ff/1:16/f32.bf16/dilation", "bp/4:8/f32.f16/padding",
        "ff/dense/f64/batch1", "wu/dense/f32/groups", "compress-bp/3:7/f32/ties", "update/2:8/f32/nesterov",
        "gradient-input/2:8/f32/any", "memory/exhausted", "placement/layer"}) {
    CAPTURE(name);
    CHECK(names.contains(name));
  }
}

TEST_CASE("what a check draws depends on its name and the seed, not on the others that run") {
  const auto error_of = [](const conformance::Report& report) {
    for (const conformance::Check& check : report.checks) {
      if (check.name == "ff/2:8/f32/stride") return check.error;
    }
    FAIL("not run");
    return 0.0;
  };
  CHECK(error_of(run("ff/2:8/f32/stride")) == error_of(run("ff/2:8/f32/*")));
}

TEST_CASE("a filter that lets nothing through and an unknown mode are wrong use") {
  CHECK_THROWS_AS(run("forward/*"), UsageError);
  CHECK_THROWS_WITH_AS(conformance::parse_mode("gradients"), doctest::Contains("did you mean 'gradient'?"),
                       UsageError);
}

TEST_CASE("the support table has the reasons of refusals") {
  const conformance::SupportTable table = conformance::support_table(*find_device("reference"));
  REQUIRE(table.columns.size() == 7);
  for (const auto& row : table.rows) {
    REQUIRE(row.cells.size() == table.columns.size());
    for (const auto& cell : row.cells) {
      CHECK(cell.asked > 0);
      CHECK((cell.accepted == cell.asked) == cell.reasons.empty());
    }
  }
  const auto depthwise = std::find_if(table.rows.begin(), table.rows.end(), [](const auto& row) {
    return row.types == "f32" && row.layer == "3x3 depth-wise";
  });
  REQUIRE(depthwise != table.rows.end());
  CHECK(depthwise->cells[0].accepted == 1);
  CHECK(depthwise->cells[1].accepted == 0);
  CHECK(table.reasons[static_cast<std::size_t>(depthwise->cells[1].reasons[0])] ==
        "packed weights have one group of channels");
}

TEST_CASE("performance times a device and the cpu") {
  const conformance::Report report =
      conformance::run(find_device("reference"),
                       {.modes = {conformance::Mode::performance}, .filter = "performance/ff/*/1x1*"});
  REQUIRE(report.timings.size() == 2);
  for (const conformance::Timing& timing : report.timings) {
    CHECK(timing.seconds > 0);
    CHECK(timing.macs > 0);
  }
  CHECK(report.timings[1].macs * 4 == report.timings[0].macs);
}

}  // namespace satsuma

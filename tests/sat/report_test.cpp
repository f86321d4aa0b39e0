#include <doctest/doctest.h>
#include <fmt/core.h>

#include <map>

#include "sat/networks.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/sat/report.hpp"
#include "satsuma/sat/timeline.hpp"

namespace satsuma::sat::test {

namespace {

ReportRequest request_for(std::string method, std::int64_t batch = 16) {
  ReportRequest request;
  request.workload = resnet18(32, batch, true);
  request.method = std::move(method);
  return request;
}

Run run_gemm(std::int64_t m, std::int64_t k, std::int64_t n, Dataflow dataflow, const Config& config) {
  ReportRequest request;
  request.workload = {"gemm", {gemm_layer("gemm", m, k, n)}};
  request.method = "dense";
  request.config = with_ideal_memory(config);
  request.options.dataflow = dataflow;
  return make_report(request).run;
}

}  // namespace

TEST_CASE("a report's comparisons are runs of their own, and its speed-up their quotient") {
  ReportRequest request = request_for("bdwp");
  request.compare = {"dense", "sr-ste"};
  const Report report = make_report(request);
  REQUIRE(report.compared.size() == 2);
  for (const Run& other : report.compared) {
    ReportRequest alone = request_for(other.method);
    const std::int64_t cycles = make_report(alone).run.timing.total().cycles;
    CHECK(other.timing.total().cycles == cycles);
    CHECK(
        report.speedup_over(other) ==
        doctest::Approx(static_cast<double>(cycles) / static_cast<double>(report.run.timing.total().cycles)));
  }
}

TEST_CASE("an ablation is the report without that technique, and those that are off already are left out") {
  ReportRequest request = request_for("bdwp");
  request.ablations = true;
  request.options.pregeneration = false;
  const Report report = make_report(request);
  REQUIRE(report.ablations.size() == 2);
  CHECK(report.ablations[0].without == "interleave mapping");
  CHECK(report.ablations[1].without == "offline scheduling");
  request.options.interleave = false;
  CHECK(report.ablations[0].cycles == make_report(request).run.timing.total().cycles);
  request.method = "dense";
  CHECK(report.ablations[0].dense_cycles == make_report(request).run.timing.total().cycles);
}

TEST_CASE("one dataflow everywhere, and what cannot keep to it") {
  for (const Dataflow dataflow : {Dataflow::weight_stationary, Dataflow::output_stationary}) {
    ReportRequest request = request_for("bdwp");
    request.options.dataflow = dataflow;
    for (const LayerTiming& layer : make_report(request).run.timing.layers) {
      for (const PassTiming& timing : layer.pass)
        if (timing.run) CHECK(timing.schedule.dataflow == dataflow);
    }
  }
  // Without a search the reduction of WU is cut where it fits the buffers, and its sums do not fit the array.
  ReportRequest request = request_for("bdwp", 512);
  request.options.dataflow = Dataflow::output_stationary;
  request.options.search = false;
  CHECK_THROWS_WITH_AS(make_report(request), doctest::Contains("output-stationary"), UsageError);
}

TEST_CASE("with an ideal memory a product takes what SCALE-Sim counts") {
  // Out channels, reduction, pixels; cycles of tests/golden/scalesim_cycles.csv.
  Config config;
  config.accumulator_latency = config.accumulator_interleave = 1;
  const auto cycles = [&](Dataflow dataflow) {
    return run_gemm(128, 256, 256, dataflow, config).timing.total().cycles;
  };
  CHECK(cycles(Dataflow::weight_stationary) == 11200);
  CHECK(cycles(Dataflow::output_stationary) == 10176);
  config.rows = 16;
  config.columns = 8;
  CHECK(cycles(Dataflow::weight_stationary) == 75264);
  CHECK(cycles(Dataflow::output_stationary) == 71168);
}

TEST_CASE("counts beyond 32 bits are right") {
  Config config;
  config.rows = config.columns = config.accumulator_latency = config.accumulator_interleave = 1;
  const Counts total = run_gemm(10'000, 10'000, 10'000, Dataflow::weight_stationary, config).timing.total();
  CHECK(total.macs == 1'000'000'000'000);
  // One USPE: a fold for each weight loads it in a cycle and multiplies all pixels.
  CHECK(total.cycles == 100'000'000 * std::int64_t{2 * 1 + 1 + 10'000 - 2});
}

TEST_CASE("the points of a sweep are the runs of their values, and the front is what nothing beats") {
  ReportRequest request = request_for("bdwp");
  request.sweep = {SweepAxis::parse("array.rows=8,16,32"), SweepAxis::parse("nm=2:4,2:8"),
                   SweepAxis::parse("batch=16,32")};
  std::int64_t told = 0;
  const Sweep sweep = make_report(request, [&](std::int64_t done, std::int64_t all) {
                        CHECK(all == 12);
                        CHECK(done > told);
                        told = done;
                        return true;
                      }).sweep;
  REQUIRE(sweep.points.size() == 12);
  CHECK(told == 12);
  CHECK(sweep.points[5].values == std::vector<std::string>{"16", "2:4", "32"});
  ReportRequest alone = request_for("bdwp", 32);
  alone.config.rows = 16;
  alone.pattern = {2, 4};
  CHECK(sweep.points[5].total.cycles == make_report(alone).run.timing.total().cycles);
  for (const SweepPoint& point : sweep.points) {
    bool beaten = false;
    for (const SweepPoint& other : sweep.points) {
      const bool no_worse = other.images_per_second >= point.images_per_second &&
                            other.joules_per_image <= point.joules_per_image;
      const bool better = other.images_per_second > point.images_per_second ||
                          other.joules_per_image < point.joules_per_image;
      beaten = beaten || (no_worse && better);
    }
    CHECK(point.pareto == !beaten);
  }
}

TEST_CASE("a sweep tells which points cannot run, goes on, and stops when told to") {
  ReportRequest request = request_for("dense");
  request.sweep = {SweepAxis::parse("buffer.kib=32,65536")};
  const Sweep sweep = make_report(request).sweep;
  REQUIRE(sweep.points.size() == 2);
  CHECK(sweep.points[0].refused.find("buffer.kib = 32 is too small") != std::string::npos);
  CHECK_FALSE(sweep.points[0].pareto);
  CHECK(sweep.points[1].refused.empty());
  CHECK(sweep.points[1].pareto);

  std::string clocks = "clock.mhz=100";
  for (int mhz = 101; mhz < 300; ++mhz) clocks += fmt::format(",{}", mhz);
  request.sweep = {SweepAxis::parse(clocks)};
  request.workload.layers.resize(1);
  const Sweep stopped = make_report(request, [](std::int64_t, std::int64_t) { return false; }).sweep;
  CHECK(stopped.stopped);
  CHECK(stopped.points.size() < 200);
  CHECK_FALSE(stopped.points.empty());
}

TEST_CASE("an axis of a sweep is checked before anything runs") {
  for (const char* text : {"array.rows", "array.row=3", "array.rows=3,", "array.rows=0", "nm=9:8",
                           "method=foo", "batch=0", "batch=x"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(SweepAxis::parse(text), UsageError);
  }
}

TEST_CASE("a step's timeline keeps engines busy for as long as was counted, inside of their passes") {
  for (const char* method : {"dense", "bdwp", "sdgp"}) {
    const Run run = make_report(request_for(method)).run;
    std::map<Engine, std::int64_t> busy, last;
    std::int64_t now = 0;
    for (const Interval& pass : pass_order(run.timing)) {
      CHECK(pass.begin == now);
      now = pass.end;
    }
    CHECK(now == run.timing.total().cycles);
    for (const Interval& interval : timeline(run.timing)) {
      CHECK(interval.begin >= last[interval.engine]);
      CHECK(interval.end > interval.begin);
      CHECK(interval.end <= now);
      last[interval.engine] = interval.end;
      busy[interval.engine] += interval.end - interval.begin;
    }
    const Busy counted = run.timing.total().busy;
    CHECK(busy[Engine::stce] == counted.stce);
    CHECK(busy[Engine::sore] == counted.sore);
    CHECK(busy[Engine::wuve] == counted.wuve);
    CHECK(busy[Engine::dram] == counted.dram);
  }
}

}  // namespace satsuma::sat::test

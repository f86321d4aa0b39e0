#include "satsuma/optim/schedule.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "optim/golden.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/optim/span.hpp"
#include "satsuma/train/safetensors.hpp"

namespace satsuma::optim {

TEST_CASE("learning rates at known steps") {
  struct Case {
    ScheduleKind kind;
    double warmup;
    std::int64_t step;
    double expected;
  };
  // 100 steps, peak 0.4.
  const Case cases[] = {
      {ScheduleKind::constant, 0, 0, 0.4},
      {ScheduleKind::constant, 0, 99, 0.4},
      {ScheduleKind::cosine, 0, 0, 0.4},
      {ScheduleKind::cosine, 0, 50, 0.2},
      {ScheduleKind::cosine, 0, 25, 0.4 * (1 + std::sqrt(0.5)) / 2},
      {ScheduleKind::cosine, 0, 100, 0.0},
      {ScheduleKind::cosine, 0, 1000, 0.0},
      {ScheduleKind::onecycle, 0, 25, 0.3},
      {ScheduleKind::onecycle, 20, 20, 0.4},
      {ScheduleKind::onecycle, 20, 60, 0.2},
      {ScheduleKind::onecycle, 20, 0, 0.4 / 21},
      {ScheduleKind::onecycle, 20, 19, 0.4 * 20 / 21},
      {ScheduleKind::cosine, 20, 20, 0.4},
      {ScheduleKind::cosine, 20, 60, 0.2},
      {ScheduleKind::constant, 50, 24, 0.4 * 25 / 51},
      {ScheduleKind::constant, 50, 50, 0.4},
      {ScheduleKind::onecycle, 100, 99, 0.4 * 100 / 101},
      {ScheduleKind::onecycle, 100, 100, 0.0},
  };
  for (const Case& c : cases) {
    CAPTURE(to_string(c.kind));
    CAPTURE(c.warmup);
    CAPTURE(c.step);
    const Schedule schedule{c.kind, 0.4, 100, c.warmup};
    CHECK(schedule.at(c.step) == doctest::Approx(c.expected).epsilon(1e-12));
  }
}

TEST_CASE("sixty steps are PyTorch's") {
  const auto golden = train::read_safetensors(SATSUMA_GOLDEN "/schedules.safetensors").tensors;
  std::size_t compared = 0;
  for (const auto& entry : golden) {
    const std::string& name = entry.first;
    const Tensor& expected = entry.second;
    CAPTURE(name);
    const std::string kind = name.substr(0, name.find('_'));
    Schedule schedule{parse_schedule(kind == "restarts" ? "cosine" : kind), 0.4, 60};
    // Of PyTorch's only some have a floor.
    const bool has_floor = kind == "cosine" || kind == "restarts" || kind == "onecycle";
    schedule.floor = has_floor ? 0.01 : 0;
    schedule.cycles = kind == "restarts" ? 3 : 1;
    schedule.gamma = 0.3;
    schedule.milestones = {20, 45};
    schedule.power = 2;
    schedule.warmup = name.ends_with("_warmup") ? 12 : 0;
    schedule.stride = name.ends_with("_epochs") ? 10 : 1;
    schedule.step_size = name.ends_with("_epochs") ? 20 : 15;
    const auto rates = expected.to_vector<double>();
    REQUIRE(rates.size() == 60);
    for (std::size_t step = 0; step < rates.size(); ++step) {
      CAPTURE(step);
      // PyTorch multiplies its way from step to step, some sixty roundings.
      CHECK(schedule.at(static_cast<std::int64_t>(step)) == doctest::Approx(rates[step]).epsilon(1e-12));
      ++compared;
    }
  }
  CHECK(compared == 15 * 60);
}

TEST_CASE("warm-up rises and the rest never does") {
  const Schedule schedule{ScheduleKind::cosine, 0.1, 937, 0.2 * 937};
  double before = 0;
  for (std::int64_t step = 0; step < 937; ++step) {
    const double now = schedule.at(step);
    CHECK(now > 0);
    CHECK((static_cast<double>(step) < 0.2 * 937 + 1 ? now > before || now > 0.0999 : now <= before));
    before = now;
  }
}

TEST_CASE("no schedule falls below its floor") {
  for (const ScheduleKind kind : {ScheduleKind::constant, ScheduleKind::cosine, ScheduleKind::onecycle,
                                  ScheduleKind::step, ScheduleKind::multi_step, ScheduleKind::polynomial}) {
    CAPTURE(to_string(kind));
    Schedule schedule{kind, 0.4, 50, 0, 0.02, 2, 10, {10, 20, 30}};
    double least = 1;
    for (std::int64_t step = 0; step < 60; ++step) least = std::min(least, schedule.at(step));
    CHECK(least == doctest::Approx(kind == ScheduleKind::constant ? 0.4 : 0.02));
  }
}

TEST_CASE("schedules have names") {
  for (const ScheduleKind kind : {ScheduleKind::constant, ScheduleKind::cosine, ScheduleKind::onecycle,
                                  ScheduleKind::step, ScheduleKind::multi_step, ScheduleKind::polynomial}) {
    CHECK(parse_schedule(to_string(kind)) == kind);
  }
  try {
    parse_schedule("cosin");
    FAIL("accepted");
  } catch (const UsageError& error) {
    CHECK(std::string(error.what()).find("'cosine'") != std::string::npos);
  }
}

TEST_CASE("lengths of training") {
  const auto steps = [](const char* text) { return Span::parse("--warmup", text).steps(1000, 50); };
  CHECK(steps("500") == 500);
  CHECK(steps("5ep") == 250);
  CHECK(steps("0.5ep") == 25);
  CHECK(steps("0.2") == 200);
  CHECK(steps("0") == 0);
  CHECK(steps("1") == 1000);  // a share, as ever
  for (const char* const text : {"", "x", "-1", "1.5", "5 ep", "ep", "0.2x", "nan", "1e13"}) {
    CAPTURE(std::string(text));
    CHECK_THROWS_WITH_AS(Span::parse("--warmup", text), doctest::Contains("--warmup got '"), UsageError);
  }
  CHECK(Span::parse_list("--lr-milestones", "30ep,60ep").size() == 2);
  CHECK_THROWS_WITH_AS(Span::parse_list("--lr-milestones", "60ep,30ep"), doctest::Contains("rise"),
                       UsageError);
  CHECK_THROWS_AS(Span::parse_list("--lr-milestones", "30ep,"), UsageError);
}

}  // namespace satsuma::optim

#include "satsuma/optim/schedule.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "satsuma/core/error.hpp"

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
      {ScheduleKind::onecycle, 0.2, 20, 0.4},
      {ScheduleKind::onecycle, 0.2, 60, 0.2},
      {ScheduleKind::onecycle, 0.2, 0, 0.4 / 21},
      {ScheduleKind::onecycle, 0.2, 19, 0.4 * 20 / 21},
      {ScheduleKind::cosine, 0.2, 20, 0.4},
      {ScheduleKind::cosine, 0.2, 60, 0.2},
      {ScheduleKind::constant, 0.5, 24, 0.4 * 25 / 51},
      {ScheduleKind::constant, 0.5, 50, 0.4},
      {ScheduleKind::onecycle, 1.0, 99, 0.4 * 100 / 101},
      {ScheduleKind::onecycle, 1.0, 100, 0.0},
  };
  for (const Case& c : cases) {
    CAPTURE(to_string(c.kind));
    CAPTURE(c.warmup);
    CAPTURE(c.step);
    const Schedule schedule{c.kind, 0.4, 100, c.warmup};
    CHECK(schedule.at(c.step) == doctest::Approx(c.expected).epsilon(1e-12));
  }
}

TEST_CASE("warm-up rises and the rest never does") {
  const Schedule schedule{ScheduleKind::cosine, 0.1, 937, 0.2};
  double before = 0;
  for (std::int64_t step = 0; step < 937; ++step) {
    const double now = schedule.at(step);
    CHECK(now > 0);
    CHECK((static_cast<double>(step) < 0.2 * 937 + 1 ? now > before || now > 0.0999 : now <= before));
    before = now;
  }
}

TEST_CASE("schedules have names") {
  for (const ScheduleKind kind : {ScheduleKind::constant, ScheduleKind::cosine, ScheduleKind::onecycle}) {
    CHECK(parse_schedule(to_string(kind)) == kind);
  }
  try {
    parse_schedule("cosin");
    FAIL("accepted");
  } catch (const UsageError& error) {
    CHECK(std::string(error.what()).find("'cosine'") != std::string::npos);
  }
}

}  // namespace satsuma::optim

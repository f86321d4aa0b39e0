#include <doctest/doctest.h>

#include "satsuma/core/error.hpp"
#include "satsuma/train/layer_match.hpp"
#include "satsuma/train/nm_schedule.hpp"

namespace satsuma::train {

TEST_CASE("a schedule of patterns holds each from its share on") {
  const NmSchedule schedule = NmSchedule::parse("dense@0,4:8@0.2,2:8@0.5");
  CHECK(schedule.at(0).dense());
  CHECK(schedule.at(0.199).dense());
  CHECK(schedule.at(0.2) == Pattern{4, 8});
  CHECK(schedule.at(0.499) == Pattern{4, 8});
  CHECK(schedule.at(0.5) == Pattern{2, 8});
  CHECK(schedule.at(1) == Pattern{2, 8});
  CHECK(NmSchedule::parse("1:4@0").at(0.7) == Pattern{1, 4});
}

TEST_CASE("a schedule that cannot be read is refused with what was typed") {
  for (const char* const text :
       {"", "dense", "dense@", "dense@0.1", "2:8@0,4:8@0", "2:8@0,4:8@0.5,1:8@0.5", "2:8@0,4:8@1", "2:8@-1",
        "2:8@nan", "2:8@0,", "2:0@0", "sparse@0", "2:8@0;4:8@0.5", "2:8@0,4:8@0.5x"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(NmSchedule::parse(text), UsageError);
  }
}

TEST_CASE("layers are matched by any of several shell patterns") {
  CHECK(matches("layer4.*", "layer4.0.conv1"));
  CHECK_FALSE(matches("layer4.*", "layer3.0.conv1"));
  CHECK(matches("fc|conv1", "fc"));
  CHECK(matches("fc|conv1", "conv1"));
  CHECK_FALSE(matches("fc|conv1", "layer1.0.conv1"));
  CHECK_FALSE(matches("", "fc"));
}

TEST_CASE("another pattern for layers is read, or refused with what was typed") {
  const LayerPattern of = LayerPattern::parse("layer4.*=1:8");
  CHECK(of.layers == "layer4.*");
  CHECK(of.pattern == Pattern{1, 8});
  for (const char* const text : {"", "=1:8", "layer4", "layer4=", "layer4=1", "layer4=9:8"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(LayerPattern::parse(text), UsageError);
  }
}

}  // namespace satsuma::train

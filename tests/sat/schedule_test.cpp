#include <doctest/doctest.h>

#include "sat/networks.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/sat/scheduler.hpp"

namespace satsuma::sat::test {

namespace {

struct Fixture {
  Config config;
  Workload network = pruned(resnet18(32, 32, true), "bdwp", "2:8");
  Schedule schedule = make_schedule(config, network);

  std::string replaced(const std::string& what, const std::string& with) const {
    std::string text = to_toml(schedule);
    const std::size_t at = text.find(what);
    REQUIRE(at != std::string::npos);
    return text.replace(at, what.size(), with);
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a schedule survives being written and read, and gives the same time") {
  const Schedule again = parse_schedule(to_toml(schedule), "text");
  CHECK(again == schedule);
  CHECK(simulate(config, network, again).total().cycles ==
        simulate(config, network, schedule).total().cycles);
}

TEST_CASE_FIXTURE(Fixture, "a schedule for another model or configuration is refused in one line") {
  Config other = config;
  other.rows = 16;
  CHECK_THROWS_WITH_AS(simulate(other, network, schedule), doctest::Contains("another configuration"),
                       UsageError);
  CHECK_THROWS_WITH_AS(simulate(config, pruned(resnet18(32, 64, true), "bdwp", "2:8"), schedule),
                       doctest::Contains("another workload"), UsageError);
  CHECK_THROWS_AS(simulate(config, pruned(resnet18(32, 32, true), "dense", "2:8"), schedule), UsageError);
}

TEST_CASE_FIXTURE(Fixture, "bad schedule files are refused with file, line and key") {
  const auto refused = [&](const std::string& text, std::initializer_list<const char*> words) {
    CAPTURE(text.substr(0, 400));
    for (const char* const word : words) {
      CHECK_THROWS_WITH_AS(parse_schedule(text, "s.toml"), doctest::Contains(word), FormatError);
    }
  };
  refused("", {"s.toml", "lacks 'workload'"});
  refused("workload = [", {"s.toml, line 1"});
  refused(replaced("dataflow = \"", "dataflow = \"X"), {"s.toml, line", "unknown dataflow", "known: WS, OS"});
  refused(replaced("interleave = ", "interleave = 1."), {"'interleave' of ff of layer 'conv1' got a number"});
  refused(replaced("images = ", "image = "), {"lacks 'images'"});
  refused(replaced("pregenerate_ff = ", "surprise = 1\npregenerate_ff = "), {"unknown key 'surprise'"});
  refused(replaced("pregenerate_ff = true", "pregenerate_ff = 1"),
          {"got a whole number, expected true or false"});
  refused(replaced("order = [", "order = [\"pixels\", "), {"got 4 loops"});
  refused(replaced("name = 'conv1'", "name = 7"), {"'name' of a layer got a whole number"});
  CHECK_THROWS_AS(read_schedule("/nowhere.toml"), IoError);
}

TEST_CASE_FIXTURE(Fixture, "edits that cannot run are refused with layer, pass and value") {
  const auto refused = [&](auto change, const char* why) {
    Schedule edited = schedule;
    change(edited.layers[1][Pass::ff]);
    CAPTURE(why);
    CHECK_THROWS_WITH_AS(simulate(config, network, edited), doctest::Contains(why), UsageError);
    CHECK_THROWS_WITH_AS(simulate(config, network, edited), doctest::Contains("'layer1.0.conv1', FF"),
                         UsageError);
  };
  refused([](PassSchedule& s) { s.tile.images = 0; }, "tile.images got 0");
  refused([](PassSchedule& s) { s.tile.images = 17; }, "a multiple of 16");
  refused([](PassSchedule& s) { s.tile.rows = 33; }, "tile.rows got 33");
  refused([](PassSchedule& s) { s.tile.images = 32, s.tile.rows = 2; }, "tile.rows got 2 with 32 images");
  refused([](PassSchedule& s) { s.tile.in_channels = 3; }, "tile.in_channels got 3");
  refused([](PassSchedule& s) { s.interleave = 4; }, "interleave got 4, expected 1 to 3");
  refused([](PassSchedule& s) { s.order[0] = s.order[1]; }, "names a loop twice");
  refused([](PassSchedule& s) { s.buffers.output = 1; }, "buffers.output got 1");
  refused([](PassSchedule& s) { s.buffers.output += 32000; }, "at most buffer.kib");
  refused([](PassSchedule& s) { s.dataflow = Dataflow::output_stationary, s.tile.in_channels = 16; },
          "dataflow OS");
  refused([](PassSchedule& s) { s = {}; }, "FF");
}

}  // namespace satsuma::sat::test

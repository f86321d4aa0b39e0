#include "satsuma/train/study.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "satsuma/core/error.hpp"
#include "satsuma/train/duration.hpp"
#include "support/temporary_directory.hpp"

namespace satsuma::train {

namespace {

std::vector<std::string> names(const Study& study) {
  std::vector<std::string> names;
  for (const Variant& variant : study.variants) names.push_back(variant.name);
  return names;
}

StudyText text_of(std::vector<std::string> methods, std::vector<std::string> patterns) {
  StudyText text;
  text.methods = std::move(methods);
  text.patterns = std::move(patterns);
  text.seeds = {"2"};
  return text;
}

std::string refusal(const StudyText& text, bool many = false) {
  try {
    make_study(text, many);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

/// A study file that lives as long as this.
class File {
 public:
  explicit File(const std::string& text) { std::ofstream(path()) << text; }
  std::filesystem::path path() const { return folder_ / "study.toml"; }

 private:
  testing::TemporaryDirectory folder_;
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE(
    "a method that prunes is taken under each pattern, dense once, one with a pattern of its own once") {
  const Study study = make_study(text_of({"dense", "bdwp", "bdwp+wu", "sdgp@1:8"}, {"2:8", "2:8x2"}), false);
  CHECK(names(study) == std::vector<std::string>{"dense", "bdwp 2:8", "bdwp 2:8x2", "bdwp+wu 2:8",
                                                 "bdwp+wu 2:8x2", "sdgp 1:8"});
  CHECK(study.variants[3].recipe.wu == "2:8");
  CHECK(study.variants[4].recipe.nm == "2:8x2");
  CHECK(study.variants[5].method() == "sdgp");
  CHECK(study.variants[5].pattern() == "1:8");
  CHECK(study.seeds == std::vector<std::int64_t>{0, 1});
}

TEST_CASE("runs go seed by seed, each with a folder of its own") {
  const Study study = make_study(text_of({"dense", "bdwp"}, {"2:8"}), false);
  const std::vector<StudyRun> runs = study.runs("out");
  REQUIRE(runs.size() == 4);
  CHECK(runs[0].recipe.out == "out/runs/dense-seed0");
  CHECK(runs[1].recipe.out == "out/runs/bdwp-2-8-seed0");
  CHECK(runs[2].seed == 1);
  CHECK(runs[3].recipe.seed == 1);
  CHECK(runs[3].variant == &study.variants[1]);
}

TEST_CASE("any setting may be an axis") {
  StudyText text = text_of({"dense", "bdwp"}, {"2:8"});
  text.axes = {Axis::parse("lr=0.1,0.2"), Axis::parse("dense=,fc")};
  const Study study = make_study(text, false);
  CHECK(study.variants.size() == 8);
  CHECK(study.variants[7].name == "bdwp 2:8 lr=0.2 dense=fc");
  CHECK(study.variants[7].recipe.lr == 0.2);
  CHECK(study.variants[7].recipe.dense == "fc");
  CHECK(study.variants[6].recipe.dense.empty());
}

TEST_CASE("what is no study is refused with a reason") {
  CHECK(contains(refusal(text_of({"dense", "dense"}, {})), "twice"));
  CHECK(contains(refusal(text_of({"bdpw"}, {})), "did you mean 'bdwp'"));
  CHECK(contains(refusal(text_of({"bdwp"}, {"9:8"})), "9:8"));
  StudyText text = text_of({"dense"}, {});
  text.seeds = {"1", "1"};
  CHECK(contains(refusal(text), "--seeds has 1 twice"));
  text.seeds = {"0"};
  CHECK(contains(refusal(text), "how many"));
  text.seeds = {"x"};
  CHECK(contains(refusal(text), "'x'"));
  text.seeds = {"1000000"};
  CHECK(contains(refusal(text), "1000000 runs"));
  CHECK(make_study(text, true).seeds.size() == 1'000'000);
  text.seeds = {"1"};
  text.axes = {{"seed", {"1", "2"}}};
  CHECK(contains(refusal(text), "seed is no axis"));
  CHECK_THROWS_AS(Axis::parse("lr"), UsageError);
  CHECK_THROWS_AS(Axis::parse("lr="), UsageError);
  CHECK_THROWS_AS(Axis::parse("lrr=1"), UsageError);
  CHECK_THROWS_AS(Axis::parse("lr=1,1"), UsageError);
}

TEST_CASE("a study file: what all share, axes, variants by name") {
  const File file(R"(
seeds = [3, 4]
[recipe]
model = "resnet20"
epochs = 7
[axes]
lr = [0.1, 0.2]
[[variant]]
name = "dense"
[[variant]]
name = "tightened"
method = "bdwp"
nm-schedule = "dense@0,4:8@0.2,2:8@0.5"
)");
  const Study study = make_study(read_study(file.path(), {}), false);
  CHECK(names(study) ==
        std::vector<std::string>{"dense lr=0.1", "dense lr=0.2", "tightened lr=0.1", "tightened lr=0.2"});
  CHECK(study.seeds == std::vector<std::int64_t>{3, 4});
  CHECK(study.variants[3].recipe.model == "resnet20");
  CHECK(study.variants[3].recipe.epochs == 7);
  CHECK(study.variants[3].recipe.method == "bdwp");
  CHECK(study.variants[3].pattern() == "dense@0,4:8@0.2,2:8@0.5");
}

TEST_CASE("what is wrong in a study file is named with its line") {
  const auto fault = [](const std::string& text) -> std::string {
    const File file(text);
    try {
      read_study(file.path(), {});
    } catch (const FormatError& error) {
      return error.what();
    }
    return "";
  };
  CHECK(contains(fault("method = [\"dense\"]"), "did you mean 'methods'"));
  CHECK(contains(fault("\nsedes = 3"), "line 2"));
  CHECK(contains(fault("[recipe]\nepoch = 3"), "did you mean 'epochs'"));
  CHECK(contains(fault("[axes]\nlrr = [1]"), "lrr"));
  CHECK(contains(fault("[axes]\nlr = []"), "empty list"));
  CHECK(contains(fault("[[variant]]\nmethod = \"bdwp\""), "no name"));
  CHECK(contains(fault("variant = 3"), "[[variant]]"));
  CHECK(contains(fault("recipe = 3"), "expected a table"));
}

TEST_CASE("durations") {
  CHECK(parse_duration("--budget", "90") == 90);
  CHECK(parse_duration("--budget", "90s") == 90);
  CHECK(parse_duration("--budget", "1.5h") == 5400);
  CHECK(parse_duration("--budget", "1h30m") == 5400);
  CHECK(parse_duration("--budget", "1d") == 86400);
  for (const char* wrong : {"", "h", "-1h", "2x", "1m1h", "1h1h", "nan", "inf", "1e99h", "1 h"}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(parse_duration("--budget", wrong), UsageError);
  }
}

}  // namespace satsuma::train

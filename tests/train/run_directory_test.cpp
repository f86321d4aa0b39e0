#include "satsuma/train/run_directory.hpp"

#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

#include "satsuma/core/error.hpp"
#include "train/support.hpp"

namespace satsuma::train {

using namespace testing;

namespace {

std::vector<nlohmann::json> lines_of(const std::filesystem::path& path) {
  std::vector<nlohmann::json> lines;
  std::istringstream text(read_file(path));
  for (std::string line; std::getline(text, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

LogRecord record_of(std::int64_t step) {
  LogRecord record;
  record.step = step;
  record.epoch = 1;
  record.lr = 0.25;
  record.tally = {6, 3, 4, {10, 40}, 2};
  record.seconds = 8;
  return record;
}

}  // namespace

TEST_CASE("a directory that holds something is refused, resumed or overwritten") {
  const TemporaryDirectory directory;
  const std::filesystem::path path = directory / "runs/first";
  CHECK_THROWS_AS(RunDirectory(path, RunMode::resume), UsageError);
  RunDirectory(path, RunMode::fresh).open("epochs = 1\n");
  CHECK(read_file(path / "config.toml") == "epochs = 1\n");

  const std::string message = message_of<UsageError>([&] { RunDirectory(path, RunMode::fresh); });
  CHECK(contains(message, "--resume"));
  CHECK(contains(message, "--overwrite"));

  for (const char* const name : {"last.safetensors", "last.safetensors.tmp", "log.jsonl", "notes.txt"}) {
    write_file(path / name, "x");
  }
  RunDirectory(path, RunMode::resume).open("epochs = 2\n");
  CHECK(std::filesystem::exists(path / "last.safetensors"));
  RunDirectory(path, RunMode::overwrite).open("epochs = 3\n");
  CHECK_FALSE(std::filesystem::exists(path / "last.safetensors"));
  CHECK_FALSE(std::filesystem::exists(path / "last.safetensors.tmp"));
  CHECK_FALSE(std::filesystem::exists(path / "log.jsonl"));
  CHECK(std::filesystem::exists(path / "notes.txt"));
  CHECK(read_file(path / "config.toml") == "epochs = 3\n");
}

TEST_CASE("an empty directory is as good as none, a file is not") {
  const TemporaryDirectory directory;
  std::filesystem::create_directory(directory / "empty");
  RunDirectory(directory / "empty", RunMode::fresh).open("");
  write_file(directory / "file", "x");
  for (const RunMode mode : {RunMode::fresh, RunMode::resume, RunMode::overwrite}) {
    CHECK_THROWS_AS(RunDirectory(directory / "file", mode), UsageError);
  }
  RunDirectory below(directory / "file/run", RunMode::fresh);
  CHECK(contains(message_of<IoError>([&] { below.open(""); }), "cannot create the run directory"));
}

TEST_CASE("the log has one object a line") {
  const TemporaryDirectory directory;
  RunLog log(directory / "log.jsonl", 0);
  LogRecord record = record_of(10);
  log.write(record);
  record.epoch_end = true;
  record.test_loss = 0.5;
  record.test_accuracy = 0.75;
  log.write(record);
  record.tally = {};
  log.write(record);

  const std::vector<nlohmann::json> lines = lines_of(directory / "log.jsonl");
  REQUIRE(lines.size() == 3);
  CHECK(lines[0] == nlohmann::json{{"kind", "step"},
                                   {"step", 10},
                                   {"epoch", 1},
                                   {"loss", 1.5},
                                   {"accuracy", 0.75},
                                   {"lr", 0.25},
                                   {"images_per_second", 2.0},
                                   {"macs", 10},
                                   {"dense_macs", 40},
                                   {"seconds", 8.0}});
  CHECK(lines[1]["kind"] == "epoch");
  CHECK(lines[1]["test_accuracy"] == 0.75);
  CHECK(lines[2]["loss"].is_null());
}

TEST_CASE("a resumed run's log keeps what is before its step") {
  const TemporaryDirectory directory;
  const std::filesystem::path path = directory / "log.jsonl";
  {
    RunLog log(path, 0);
    for (const std::int64_t step : {5, 10, 15, 20}) log.write(record_of(step));
  }
  write_file(path, read_file(path) + "{\"kind\":\"step\",\"st");
  { RunLog(path, 12).write(record_of(15)); }
  const std::vector<nlohmann::json> lines = lines_of(path);
  REQUIRE(lines.size() == 3);
  CHECK(lines[2]["step"] == 15);
  { RunLog(path, 0).write(record_of(1)); }
  CHECK(lines_of(path).size() == 1);
}

TEST_CASE("means and savings of nothing are not a number and zero") {
  CHECK(std::isnan(Tally{}.loss()));
  CHECK(std::isnan(Tally{}.images_per_second()));
  CHECK(saving({}) == 0);
  CHECK(saving({25, 100}) == doctest::Approx(0.75));
}

}  // namespace satsuma::train

#include "satsuma/train/run_directory.hpp"

#include <fmt/core.h>
#include <algorithm>
#include <cerrno>
#include <cmath>

#include <optional>
#include <sstream>
#include <vector>

#include "satsuma/core/error.hpp"
#include "src/core/json.hpp"
#include "src/train/run_lock.hpp"
#include "train/file_limit.hpp"
#include "train/support.hpp"

namespace satsuma::train {

using namespace testing;

namespace {

std::vector<Json> lines_of(const std::filesystem::path& path) {
  std::vector<Json> lines;
  std::istringstream text(read_file(path));
  for (std::string line; std::getline(text, line);) lines.push_back(parse_json(line));
  return lines;
}

template <int error>
int fails_with(int, int) {
  errno = error;
  return -1;
}

LogRecord record_of(std::int64_t step) {
  LogRecord record;
  record.step = step;
  record.epoch = 1;
  record.lr = 0.25;
  record.pattern = {2, 8};
  record.tally = {6, 3, 4, {{4, 5, 1}, 40}, 2};
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

  for (const char* const name :
       {"last.safetensors", "last.safetensors.tmp", "log.jsonl", "log.csv", "evaluation.json",
        "best-2.safetensors", "best-x.safetensors", "notes.txt"}) {
    write_file(path / name, "x");
  }
  RunDirectory(path, RunMode::resume).open("epochs = 2\n");
  CHECK(std::filesystem::exists(path / "last.safetensors"));
  RunDirectory(path, RunMode::overwrite).open("epochs = 3\n");
  CHECK_FALSE(std::filesystem::exists(path / "last.safetensors"));
  CHECK_FALSE(std::filesystem::exists(path / "last.safetensors.tmp"));
  CHECK_FALSE(std::filesystem::exists(path / "log.jsonl"));
  for (const char* const name : {"log.csv", "evaluation.json", "best-2.safetensors"})
    CHECK_FALSE(std::filesystem::exists(path / name));
  CHECK(std::filesystem::exists(path / "notes.txt"));
  CHECK(std::filesystem::exists(path / "best-x.safetensors"));
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

TEST_CASE("a directory that could not be filled is not left behind") {
  const TemporaryDirectory directory;
  std::filesystem::create_directory(directory / "runs");
  RunDirectory run(directory / "runs/a/b", RunMode::fresh);
  const std::string message = with_file_limit(0, [&] { run.open("epochs = 1\n"); });
  CHECK(contains(message, "File too large"));
  CHECK(std::filesystem::is_empty(directory / "runs"));
}

TEST_CASE("a directory is held by the first, by whatever path, until its last copy is gone") {
  const TemporaryDirectory directory;
  const std::filesystem::path path = directory / "run";
  std::filesystem::create_symlink("run", directory / "link");
  std::optional<RunDirectory> first(std::in_place, path, RunMode::fresh);
  first->open("epochs = 1\n");
  const std::optional<RunDirectory> copy = first;
  first.reset();
  const auto second = [&] { RunDirectory(directory / "link", RunMode::overwrite); };
  const std::string message = message_of<UsageError>(second);
  CHECK(contains(message, fmt::format("in use by process {} on ", ::getpid())));
  CHECK(contains(message, "UTC"));
  CHECK(read_file(path / "config.toml") == "epochs = 1\n");
}

TEST_CASE("the lock is gone with the last copy, and is never taken for another's") {
  const TemporaryDirectory directory;
  {
    const RunLock first(directory.path());
    CHECK_THROWS_AS(RunLock(directory.path()), UsageError);
    // The run was removed and another one begun in its place.
    std::filesystem::remove(directory / kLockName);
    const RunLock second(directory.path());
    CHECK_THROWS_AS(RunLock(directory.path()), UsageError);
  }
  CHECK(std::filesystem::is_empty(directory.path()));
  { const RunLock again(directory.path()); }
}

TEST_CASE("without locks a run goes on, other failures are said") {
  const TemporaryDirectory directory;
  { const RunLock lock(directory.path(), fails_with<ENOLCK>); }
  CHECK(contains(message_of<IoError>([&] { RunLock(directory.path(), fails_with<EIO>); }), "cannot lock"));
}

TEST_CASE("state that is missing is told from state that never was") {
  const TemporaryDirectory directory;
  const std::filesystem::path path = directory / "run";
  RunDirectory(path, RunMode::fresh).open("");
  const auto resumed = [&] { return RunDirectory(path, RunMode::resume); };
  write_file(path / "init.safetensors", "x");
  write_file(path / "log.jsonl", "");
  CHECK_FALSE(resumed().resumes());
  write_file(path / "log.jsonl", "{}\n");
  CHECK(contains(message_of<UsageError>(resumed), "log.jsonl shows that training had begun"));
  write_file(path / "best.safetensors", "x");
  CHECK(contains(message_of<UsageError>(resumed), "from best.safetensors with --init"));
  write_file(path / "last.safetensors", "x");
  CHECK(resumed().resumes());
  CHECK_FALSE(RunDirectory(path, RunMode::overwrite).resumes());
}

TEST_CASE("a log line is written whole or not at all") {
  const TemporaryDirectory directory;
  const std::filesystem::path path = directory / "log.jsonl";
  RunLog log(path, directory / "log.csv", 0, 0);
  log.write(record_of(1));
  const std::string before = read_file(path);
  const std::string message = with_file_limit(before.size() + 10, [&] { log.write(record_of(2)); });
  CHECK(contains(message, "File too large"));
  CHECK(read_file(path) == before);
  log.write(record_of(2));
  CHECK(lines_of(path).size() == 2);
}

TEST_CASE("a log that is there and cannot be read is not replaced") {
  const TemporaryDirectory directory;
  std::filesystem::create_directory(directory / "log.jsonl");
  CHECK(contains(message_of<IoError>([&] { RunLog(directory / "log.jsonl", directory / "log.csv", 0, 0); }),
                 "cannot read"));
}

TEST_CASE("the log has one object a line") {
  const TemporaryDirectory directory;
  RunLog log(directory / "log.jsonl", directory / "log.csv", 0, 0);
  LogRecord record = record_of(10);
  log.write(record);
  record.kind = LogRecord::Kind::epoch;
  record.validation = {0.5, 0.75, 1};
  log.write(record);
  record.tally = {};
  log.write(record);

  const std::vector<Json> lines = lines_of(directory / "log.jsonl");
  REQUIRE(lines.size() == 3);
  CHECK(lines[0] == Json{{"kind", "step"},
                         {"step", 10},
                         {"epoch", 1},
                         {"loss", 1.5},
                         {"accuracy", 0.75},
                         {"lr", 0.25},
                         {"nm", "2:8"},
                         {"images_per_second", 2.0},
                         {"macs", 10},
                         {"macs_FF", 4},
                         {"macs_BP", 5},
                         {"macs_WU", 1},
                         {"dense_macs", 40},
                         {"seconds", 8.0}});
  CHECK(lines[1]["kind"] == "epoch");
  CHECK(lines[1]["val_accuracy"] == 0.75);
  CHECK(lines[1]["val_top5"] == 1.0);
  CHECK(lines[2]["loss"].is_null());
}

TEST_CASE("a resumed run's log keeps what is before its step") {
  const TemporaryDirectory directory;
  const std::filesystem::path path = directory / "log.jsonl";
  {
    RunLog log(path, directory / "log.csv", 0, 0);
    for (const std::int64_t step : {5, 10, 15, 20}) log.write(record_of(step));
  }
  write_file(path, read_file(path) + "{\"kind\":\"step\",\"st");
  { RunLog(path, directory / "log.csv", 12, 12).write(record_of(15)); }
  const std::vector<Json> lines = lines_of(path);
  REQUIRE(lines.size() == 3);
  CHECK(lines[2]["step"] == 15);
  { RunLog(path, directory / "log.csv", 0, 0).write(record_of(1)); }
  CHECK(lines_of(path).size() == 1);
}

TEST_CASE("the line of an epoch whose weights are evaluated again is logged once") {
  const TemporaryDirectory directory;
  const std::filesystem::path path = directory / "log.jsonl";
  const auto epoch = [](std::int64_t step) {
    LogRecord record = record_of(step);
    record.kind = LogRecord::Kind::epoch;
    return record;
  };
  {
    RunLog log(path, directory / "log.csv", 0, 0);
    for (const std::int64_t step : {5, 10}) {
      log.write(record_of(step));
      log.write(epoch(step));
    }
  }
  // Killed between the line and the checkpoint that knows of the evaluation.
  { RunLog(path, directory / "log.csv", 10, 5).write(epoch(10)); }
  std::vector<std::string> kinds;
  for (const Json& line : lines_of(path))
    kinds.push_back(fmt::format("{} {}", line["kind"].get<std::string>(), line["step"].get<int>()));
  CHECK(kinds == std::vector<std::string>{"step 5", "epoch 5", "step 10", "epoch 10"});
}

TEST_CASE("the table has a row for each line, and is made anew of the lines that stay") {
  const TemporaryDirectory directory;
  const std::filesystem::path path = directory / "log.jsonl", table = directory / "log.csv";
  {
    RunLog log(path, table, 0, 0);
    LogRecord record = record_of(5);
    log.write(record);
    record.kind = LogRecord::Kind::epoch;
    record.validation = {0.5, 0.75, 1};
    record.mask_change = {{"conv1", 0.25}, {"fc", 0.75}};
    log.write(record);
    record = record_of(20);
    log.write(record);
    record.kind = LogRecord::Kind::test;
    record.test = {0.25, 0.5, 0.875};
    log.write(record);
  }
  const auto rows = [&] {
    std::vector<std::vector<std::string>> result;
    std::istringstream text(read_file(table));
    for (std::string line; std::getline(text, line);) {
      std::vector<std::string>& row = result.emplace_back();
      std::istringstream cells(line + ",");
      for (std::string cell; std::getline(cells, cell, ',');) row.push_back(cell);
    }
    return result;
  };
  const auto all = rows();
  REQUIRE(all.size() == 5);
  const auto value = [&](std::size_t row, const char* column) {
    const auto at = std::find(all[0].begin(), all[0].end(), column) - all[0].begin();
    return all[row].at(static_cast<std::size_t>(at));
  };
  for (const auto& row : all) CHECK(row.size() == all[0].size());
  CHECK(value(1, "kind") == "step");
  CHECK(value(1, "val_accuracy") == "");
  CHECK(value(2, "val_accuracy") == "0.75");
  CHECK(value(2, "mask_changes") == "0.5");
  CHECK(value(2, "loss") == "1.5");
  CHECK(value(4, "test_top5") == "0.875");
  CHECK(value(4, "loss") == "");
  // A test is of the end of a run: one that goes on is tested anew.
  { RunLog(path, table, 20, 20); }
  CHECK(rows().size() == 4);
  CHECK(lines_of(path).size() == 3);
  { RunLog(path, table, 10, 10); }
  CHECK(rows().size() == 3);
  CHECK(rows()[2] == all[2]);
}

TEST_CASE("means and savings of nothing are not a number and zero") {
  CHECK(std::isnan(Tally{}.loss()));
  CHECK(std::isnan(Tally{}.images_per_second()));
  CHECK(saving({}) == 0);
  CHECK(saving({{20, 4, 1}, 100}) == doctest::Approx(0.75));
}

}  // namespace satsuma::train

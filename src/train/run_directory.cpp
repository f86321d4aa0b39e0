#include "satsuma/train/run_directory.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "satsuma/core/error.hpp"
#include "satsuma/train/atomic_file.hpp"
#include "src/core/cannot_read.hpp"
#include "src/train/is_there.hpp"
#include "src/train/new_directories.hpp"
#include "src/train/run_lock.hpp"

namespace satsuma::train {

namespace fs = std::filesystem;

namespace {

/// A lock that a start has left, which ended before it wrote anything, is nothing.
bool holds_nothing(const fs::path& path) {
  std::error_code error;
  const fs::directory_iterator at(path, error);
  // What cannot be looked at is not known to be full.
  if (error && is_there(path)) throw cannot_read(path, error.value());
  if (error) return true;
  return std::all_of(at, fs::directory_iterator(),
                     [](const fs::directory_entry& entry) { return entry.path().filename() == kLockName; });
}

void remove_file(const fs::path& path) {
  std::error_code error;
  fs::remove(path, error);
  if (error) throw IoError(io_message("remove", path, error.value()));
}

/// TensorBoard's files of an earlier run.
void remove_events(const fs::path& directory) {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory)) {
    if (entry.path().filename().string().starts_with("events.out.tfevents.")) files.push_back(entry.path());
  }
  for (const fs::path& file : files) remove_file(file);
}

}  // namespace

RunDirectory::RunDirectory(fs::path path, RunMode mode) : path_(std::move(path)), mode_(mode) {
  if (mode == RunMode::guest) return;
  std::error_code error;
  const bool exists = is_there(path_);
  if (exists && !fs::is_directory(path_, error)) {
    throw UsageError(fmt::format("--out {} is no directory; choose another one", path_.string()));
  }
  // First of all, so that nobody is told to replace a run that is under way.
  if (is_there(path_ / kLockName)) hold();
  if (mode == RunMode::fresh) check_empty();
  if (mode == RunMode::resume && !is_there(config())) {
    throw UsageError(fmt::format("--resume found no run in {}: it has no config.toml", path_.string()));
  }
  if (exists) hold();
  if (mode == RunMode::resume) check_resumable();
}

void RunDirectory::hold() {
  if (!lock_) lock_ = std::make_shared<const RunLock>(path_);
}

void RunDirectory::check_empty() const {
  if (holds_nothing(path_)) return;
  throw UsageError(
      fmt::format("--out {} is not empty; continue that run with --resume, replace it with --overwrite, or "
                  "choose another directory",
                  path_.string()));
}

void RunDirectory::check_resumable() const {
  if (resumes()) return;
  std::error_code error;
  const bool has_best = is_there(best());
  const bool has_log = is_there(log()) && fs::file_size(log(), error) > 0;
  if (!has_best && !has_log) return;
  throw UsageError(
      fmt::format("--resume found no last.safetensors in {}, but {} shows that training had begun; put it "
                  "back, {}or begin "
                  "anew with --overwrite",
                  path_.string(), has_best ? "best.safetensors" : "log.jsonl",
                  has_best ? "begin another run from best.safetensors with --init and --out, " : ""));
}

bool RunDirectory::resumes() const {
  return mode_ == RunMode::resume && is_there(last());
}

fs::path RunDirectory::best(std::int64_t rank) const {
  return path_ / fmt::format("best-{}.safetensors", rank);
}

std::vector<fs::path> RunDirectory::ranked() const {
  std::vector<std::pair<std::int64_t, fs::path>> found;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(path_, error)) {
    const std::string name = entry.path().filename().string();
    std::int64_t rank = 0;
    constexpr std::string_view kBefore = "best-";
    if (!name.starts_with(kBefore)) continue;
    std::from_chars(name.data() + kBefore.size(), name.data() + name.size(), rank);
    if (rank > 0 && entry.path() == best(rank)) found.emplace_back(rank, entry.path());
  }
  if (error && is_there(path_)) throw cannot_read(path_, error.value());
  std::sort(found.begin(), found.end());
  std::vector<fs::path> files;
  for (auto& [rank, file] : found) files.push_back(std::move(file));
  return files;
}

void RunDirectory::open(std::string_view config_text) {
  const std::vector<fs::path> made = make_directories(path_, "create the run directory");
  try {
    hold();
    // It may have been made and filled by another process since it was looked at.
    if (mode_ == RunMode::fresh) check_empty();
    // First the new, so that where it cannot be written the old run is still whole.
    write_atomically(config(), config_text);
    std::vector<fs::path> files = {last(), best(), init(), log(), table(), evaluation()};
    for (const fs::path& file : ranked()) files.push_back(file);
    for (const fs::path& file : files) {
      remove_leftovers(file);
      if (mode_ == RunMode::overwrite) remove_file(file);
    }
    if (mode_ == RunMode::overwrite) remove_events(path_);
  } catch (...) {
    if (!made.empty()) lock_.reset();
    remove_directories(made);
    throw;
  }
}

}  // namespace satsuma::train

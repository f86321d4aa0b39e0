#include "satsuma/train/run_directory.hpp"

#include <fmt/format.h>

#include <utility>

#include "satsuma/core/error.hpp"
#include "satsuma/train/atomic_file.hpp"

namespace satsuma::train {

namespace fs = std::filesystem;

namespace {

bool holds_nothing(const fs::path& path) {
  std::error_code error;
  return !fs::exists(path, error) || fs::is_empty(path, error);
}

void remove_file(fs::path path) {
  for (const char* const suffix : {"", ".tmp"}) {
    path += suffix;
    std::error_code error;
    fs::remove(path, error);
    if (error) throw IoError(io_message("remove", path, error.value()));
  }
}

}  // namespace

RunDirectory::RunDirectory(fs::path path, RunMode mode) : path_(std::move(path)), mode_(mode) {
  std::error_code error;
  if (fs::exists(path_, error) && !fs::is_directory(path_, error)) {
    throw UsageError(fmt::format("--out {} is no directory; choose another one", path_.string()));
  }
  if (mode == RunMode::fresh && !holds_nothing(path_)) {
    throw UsageError(
        fmt::format("--out {} is not empty; continue that run with --resume, replace it with --overwrite, or "
                    "choose another "
                    "directory",
                    path_.string()));
  }
  if (mode == RunMode::resume && !fs::exists(config(), error)) {
    throw UsageError(fmt::format("--resume found no run in {}: it has no config.toml", path_.string()));
  }
}

void RunDirectory::open(std::string_view config_text) {
  std::error_code error;
  fs::create_directories(path_, error);
  if (error) throw IoError(io_message("create the run directory", path_, error.value()));
  if (mode_ == RunMode::overwrite) {
    for (const fs::path& file : {last(), best(), init(), log(), config()}) remove_file(file);
  }
  write_atomically(config(), config_text);
}

}  // namespace satsuma::train

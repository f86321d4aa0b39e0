#include "src/train/best_files.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "satsuma/core/error.hpp"
#include "satsuma/train/atomic_file.hpp"
#include "satsuma/train/checkpoint.hpp"

namespace satsuma::train {

namespace fs = std::filesystem;

namespace {

void remove_file(const fs::path& path) {
  std::error_code error;
  fs::remove(path, error);
  if (error) throw IoError(io_message("remove", path, error.value()));
}

void rename_file(const fs::path& from, const fs::path& to) {
  std::error_code error;
  if (from != to) fs::rename(from, to, error);
  if (error) throw IoError(io_message("rename", from, error.value()));
}

}  // namespace

BestFiles::BestFiles(RunDirectory directory, std::int64_t keep)
    : directory_(std::move(directory)), keep_(keep) {}

void BestFiles::resume(std::int64_t step) {
  entries_.clear();
  if (keep_ < 2) return;
  for (const fs::path& file : directory_.ranked()) {
    const std::optional<CheckpointInfo> info = load_checkpoint(file).info;
    const bool stays = info && info->validation_accuracy && info->state.step <= step &&
                       static_cast<std::int64_t>(entries_.size()) < keep_;
    if (!stays) {
      remove_file(file);
      continue;
    }
    entries_.push_back({*info->validation_accuracy, info->state.step});
    const auto rank = static_cast<std::int64_t>(entries_.size());
    rename_file(file, directory_.best(rank));
  }
}

void BestFiles::clear() {
  if (keep_ < 2) return;
  for (const fs::path& file : directory_.ranked()) remove_file(file);
  entries_.clear();
}

void BestFiles::add(double accuracy, std::int64_t step, const std::function<void(const fs::path&)>& save) {
  if (keep_ < 2) return;
  const auto place = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return entry.accuracy < accuracy; });
  const auto rank = static_cast<std::int64_t>(place - entries_.begin()) + 1;
  if (rank > keep_) return;
  auto last = static_cast<std::int64_t>(entries_.size());
  if (last == keep_) remove_file(directory_.best(last--));
  for (std::int64_t i = last; i >= rank; --i) rename_file(directory_.best(i), directory_.best(i + 1));
  save(directory_.best(rank));
  entries_.insert(place, {accuracy, step});
  entries_.resize(std::min(entries_.size(), static_cast<std::size_t>(keep_)));
}

}  // namespace satsuma::train

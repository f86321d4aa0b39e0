#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "satsuma/train/run_directory.hpp"

namespace satsuma::train {

/// The weights of the K best epochs as best-1.safetensors to best-K.safetensors, the best first; of equal
/// ones the earlier. The files themselves say their accuracy and step, so that a run that was killed between
/// two renames goes on with what is there.
class BestFiles {
 public:
  BestFiles(RunDirectory directory, std::int64_t keep);

  /// Takes up the files of an earlier part of the run, and removes those of steps after `step`, which are
  /// trained again.
  void resume(std::int64_t step);
  /// Removes all.
  void clear();
  /// Gives the weights of `step` their place among the best, if they have one: `save` writes them.
  void add(double accuracy, std::int64_t step, const std::function<void(const std::filesystem::path&)>& save);

 private:
  struct Entry {
    double accuracy = 0;
    std::int64_t step = 0;
  };

  RunDirectory directory_;
  std::int64_t keep_;
  std::vector<Entry> entries_;  ///< by rank
};

}  // namespace satsuma::train

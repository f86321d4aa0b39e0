#include "src/train/same_classes.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <vector>

#include "satsuma/core/error.hpp"
#include "src/core/utf8.hpp"

namespace satsuma::train {

void check_same_classes(const ExperimentData& data, const Recipe& recipe, const CheckpointInfo& info) {
  std::vector<std::string> differ;
  // That their numbers differ is seen by who compares shapes.
  for (std::size_t i = 0; i < std::min(data.class_names.size(), info.class_names.size()); ++i) {
    if (data.class_names[i] != info.class_names[i] && is_utf8(data.class_names[i]))
      differ.push_back(fmt::format("{}: {}, trained as {}", i, data.class_names[i], info.class_names[i]));
  }
  if (differ.empty()) return;
  throw UsageError(fmt::format("--data {} has other classes than the model was trained for: {}", recipe.data,
                               fmt::join(differ, "; ")));
}

}  // namespace satsuma::train

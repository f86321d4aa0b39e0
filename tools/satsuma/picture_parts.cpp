#include "tools/satsuma/picture_parts.hpp"

#include <fmt/core.h>

#include "datasets/folder.hpp"
#include "satsuma/core/error.hpp"
#include "src/core/utf8.hpp"

namespace satsuma::tools {

std::vector<PicturePart> open_pictures(const std::string& path) {
  const datasets::Splits splits = datasets::open_folder(path, {});
  std::vector<PicturePart> parts;
  const auto add = [&](std::string_view name, std::size_t number,
                       const std::shared_ptr<const data::Dataset>& split) {
    if (!split) return;
    auto pictures = std::dynamic_pointer_cast<const data::FileDataset>(split);
    if (!pictures) {
      throw UsageError(fmt::format("'{}' is a packed file, expected a folder of pictures", shown_path(path)));
    }
    parts.push_back({name, number, std::move(pictures)});
  };
  add("train", 0, splits.train);
  add("validation", 1, splits.validation);
  add("test", 2, splits.test);
  return parts;
}

}  // namespace satsuma::tools

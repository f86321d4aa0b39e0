#include "src/export/notes.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "src/core/json.hpp"

namespace satsuma::exports {

std::map<std::string, std::string> metadata_of(const ModelNotes& notes) {
  std::map<std::string, std::string> entries = notes.more;
  entries["model"] = notes.name;
  entries["input"] = fmt::format("{}", fmt::join(notes.input, "x"));
  if (!notes.mean.empty()) {
    entries["mean"] = json_text(notes.mean);
    entries["std"] = json_text(notes.std);
  }
  if (notes.pad > 0) entries["pad"] = fmt::format("{}", notes.pad);
  if (!notes.class_names.empty()) {
    entries["class_names"] = json_text(notes.class_names);
  }
  return entries;
}

}  // namespace satsuma::exports

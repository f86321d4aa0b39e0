// Lists of pictures in CSV: every label of a list that is accepted is one of its classes.

#include "satsuma/data/csv.hpp"

#include <cstdlib>

#include "fuzz.hpp"
#include "satsuma/core/error.hpp"

using namespace satsuma;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  try {
    const data::ClassFolders list =
        data::parse_picture_list({reinterpret_cast<const char*>(bytes), size}, "fuzz");
    for (const data::PictureFile& file : list.files) {
      if (file.label < 0 || file.label >= static_cast<std::int64_t>(list.class_names.size())) std::abort();
    }
  } catch (const FormatError&) {
    // What it is there for.
  }
  return 0;
}

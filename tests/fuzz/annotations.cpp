// Tiny ImageNet's list of validation pictures: each is in the folder of pictures, of one of the classes, and
// a path whole.

#include <cstdlib>

#include "datasets/imagenet.hpp"
#include "fuzz.hpp"
#include "satsuma/core/error.hpp"

using namespace satsuma;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const std::vector<std::string> names = {"n01443537", "n01629819", "n01641577"};
  try {
    const auto files =
        datasets::parse_annotations({reinterpret_cast<const char*>(bytes), size}, "fuzz", names);
    for (const data::PictureFile& file : files) {
      if (file.label < 0 || file.label >= static_cast<std::int64_t>(names.size())) std::abort();
      if (!file.path.starts_with("images/") || file.path.find('\0') != std::string::npos) std::abort();
    }
  } catch (const FormatError&) {
    // What it is there for.
  }
  return 0;
}

// Without libpng.

#include "src/data/decode/decoder.hpp"

namespace satsuma::data::decode {

void decode_png(const Source& source, Image& image) {
  decode_stb(source, Kind::png, image);
}

std::string_view png_library() {
  return "stb_image";
}

}  // namespace satsuma::data::decode

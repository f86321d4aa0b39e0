// Without libjpeg-turbo.

#include "src/data/decode/decoder.hpp"

namespace satsuma::data::decode {

void decode_jpeg(const Source& source, std::int64_t, std::int64_t, Image& image) {
  decode_stb(source, Kind::jpeg, image);
}

std::string_view jpeg_library() {
  return "stb_image";
}

}  // namespace satsuma::data::decode

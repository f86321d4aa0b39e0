// stb_image, which does not promise to be safe on hostile files: what is checked here, before it sees a byte,
// is that the file is whole and its size sensible. BMP and GIF, and all where libjpeg-turbo or libpng was not
// there.

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <memory>
#include <new>
#include <string_view>

#include "src/data/decode/decoder.hpp"

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_NO_STDIO
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_ONLY_BMP
#define STBI_ONLY_GIF
#include <stb/stb_image.h>

namespace satsuma::data::decode {

void decode_stb(const Source& source, Kind kind, Image& image) {
  if (source.bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    refuse(source, "a picture of more than 2 GiB");
  }
  check_whole(source, kind);
  const auto size = static_cast<int>(source.bytes.size());
  int width = 0;
  int height = 0;
  int channels = 0;
  const auto damaged = [&] {
    const char* const reason = stbi_failure_reason();
    const std::string_view words = reason == nullptr ? "no reason given" : reason;
    if (words == "outofmem") throw std::bad_alloc();
    refuse(source, fmt::format("damaged or unusual picture: stb_image says '{}'", words));
  };
  if (stbi_info_from_memory(source.bytes.data(), size, &width, &height, &channels) == 0) damaged();
  check_size(source, kind, width, height);
  struct Free {
    void operator()(stbi_uc* pixels) const { stbi_image_free(pixels); }
  };
  const std::unique_ptr<stbi_uc, Free> pixels(
      stbi_load_from_memory(source.bytes.data(), size, &width, &height, &channels, 0));
  if (!pixels) damaged();
  image.resize(channels, height, width);
  std::copy_n(pixels.get(), image.pixels.size(), image.pixels.begin());
}

}  // namespace satsuma::data::decode

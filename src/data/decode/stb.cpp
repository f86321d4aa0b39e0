// stb_image, which does not promise to be safe on hostile files: what is checked here, before it sees a byte,
// is that the file is whole and its size sensible. BMP and GIF, and all where libjpeg-turbo or libpng was not
// there.

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <limits>
#include <new>
#include <string_view>
#include <unordered_set>

#include "src/data/decode/decoder.hpp"

namespace {

/// What stb_image has allocated in this thread: it is left in the middle where one of its assertions fails,
/// and does not clean up then.
class Blocks {
 public:
  ~Blocks() {
    for (void* const block : blocks_) std::free(block);
  }

  /// New memory is zero: a JPEG may use tables of codes that it has not given, and those are then empty.
  void* grow(void* old, std::size_t bytes) {
    void* const block = old == nullptr ? std::calloc(1, bytes) : std::realloc(old, bytes);
    if (block == nullptr) return nullptr;
    if (old != nullptr) blocks_.erase(old);
    blocks_.insert(block);
    return block;
  }
  void free(void* block) {
    blocks_.erase(block);
    std::free(block);
  }

 private:
  std::unordered_set<void*> blocks_;
};
/// Of the picture that this thread decodes.
thread_local Blocks* blocks = nullptr;

struct AssertionFailed {};

}  // namespace

#define STBI_MALLOC(bytes) blocks->grow(nullptr, bytes)
#define STBI_REALLOC(block, bytes) blocks->grow(block, bytes)
#define STBI_FREE(block) blocks->free(block)
#define STBI_ASSERT(holds) ((holds) ? void() : throw AssertionFailed())
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
  Blocks own;
  blocks = &own;
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
  try {
    if (stbi_info_from_memory(source.bytes.data(), size, &width, &height, &channels) == 0) damaged();
    check_size(source, kind, width, height);
    const stbi_uc* const pixels =
        stbi_load_from_memory(source.bytes.data(), size, &width, &height, &channels, 0);
    if (pixels == nullptr) damaged();
    image.resize(channels, height, width);
    std::copy_n(pixels, image.pixels.size(), image.pixels.begin());
  } catch (const AssertionFailed&) {
    refuse(source, "damaged picture: it leads stb_image astray");
  }
}

}  // namespace satsuma::data::decode

// libpng. As with JPEG, an error jumps out of the library, over nothing that would have to be destroyed.

#include <fmt/core.h>
#include <png.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstddef>
#include <cstring>
#include <new>
#include <vector>

#include "src/data/decode/decoder.hpp"

namespace satsuma::data::decode {

namespace {

/// Chunks beside the picture that would have to be unpacked, and are not needed.
constexpr std::array<png_byte, 30> kIgnoredChunks = {'i', 'C', 'C', 'P', 0, 'i', 'T', 'X', 't', 0,
                                                     't', 'E', 'X', 't', 0, 'z', 'T', 'X', 't', 0,
                                                     'e', 'X', 'I', 'f', 0, 's', 'P', 'L', 'T', 0};

class Decoder {
 public:
  explicit Decoder(const Source& source) : source_(source) {}
  ~Decoder() { png_destroy_read_struct(&png_, &info_, nullptr); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  void decode(Image& image) {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, leave, ignore);
    if (png_ == nullptr) throw std::bad_alloc();
    check(read_header());
    check_size(source_, Kind::png, png_get_image_width(png_, info_), png_get_image_height(png_, info_));
    check(choose_transforms());
    image.resize(png_get_channels(png_, info_), png_get_image_height(png_, info_),
                 png_get_image_width(png_, info_));
    for (std::int64_t y = 0; y < image.height; ++y) rows_.push_back(image.row(y));
    check(read_rows());
  }

 private:
  static void leave(png_structp png, png_const_charp words) {
    auto* const decoder = static_cast<Decoder*>(png_get_error_ptr(png));
    std::strncpy(decoder->words_.data(), words, decoder->words_.size() - 1);
    png_longjmp(png, 1);
  }
  static void ignore(png_structp, png_const_charp) {}

  static void next_bytes(png_structp png, png_bytep to, std::size_t count) {
    auto* const decoder = static_cast<Decoder*>(png_get_io_ptr(png));
    if (count > decoder->source_.bytes.size() - decoder->at_) {
      decoder->cut_off_ = true;
      png_error(png, "cut off");
    }
    std::memcpy(to, decoder->source_.bytes.data() + decoder->at_, count);
    decoder->at_ += count;
  }

  bool read_header() {
    if (setjmp(png_jmpbuf(png_))) return false;
    info_ = png_create_info_struct(png_);
    if (info_ == nullptr) png_error(png_, "out of memory");
    png_set_read_fn(png_, this, next_bytes);
    png_set_chunk_malloc_max(png_, png_alloc_size_t{1} << 23U);
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, kIgnoredChunks.data(),
                                static_cast<int>(kIgnoredChunks.size() / 5));
    // The size is judged by check_size().
    png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_read_info(png_, info_);
    return true;
  }

  bool choose_transforms() {
    if (setjmp(png_jmpbuf(png_))) return false;
    png_set_expand(png_);
    png_set_strip_16(png_);
    png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    return true;
  }

  bool read_rows() {
    if (setjmp(png_jmpbuf(png_))) return false;
    png_read_image(png_, rows_.data());
    // Up to the chunk that ends the file: without it, it is cut off.
    png_read_end(png_, nullptr);
    return true;
  }

  void check(bool done) const {
    if (done) return;
    if (cut_off_) {
      refuse(source_, source_.bytes.size(), "the file ends before its picture does; it is cut off");
    }
    refuse(source_, at_, fmt::format("damaged PNG: {}", words_.data()));
  }

  const Source& source_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::size_t at_ = 0;
  bool cut_off_ = false;
  std::array<char, 128> words_{};
  std::vector<png_bytep> rows_;
};

}  // namespace

void decode_png(const Source& source, Image& image) {
  Decoder(source).decode(image);
}

std::string_view png_library() {
  return "libpng " PNG_LIBPNG_VER_STRING;
}

}  // namespace satsuma::data::decode

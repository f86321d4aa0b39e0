// libjpeg-turbo. It ends on an error by a call that must not return, and a C library is not to be unwound, so
// each stage sets a jump for it and holds nothing that would have to be destroyed.

#include <fmt/core.h>

#include <csetjmp>
#include <cstddef>
#include <cstdio>
// Wants the two above.
#include <jpeglib.h>
// Wants jpeglib.h.
#include <jerror.h>

#include <algorithm>
#include <array>

#include "src/data/decode/decoder.hpp"

namespace satsuma::data::decode {

namespace {

/// A hostile file may hold any number of passes over a large picture, each of a few bytes.
constexpr int kMostScans = 100;

struct Failure {
  jpeg_error_mgr base;  // first: what libjpeg sees
  std::jmp_buf jump;
  std::array<char, JMSG_LENGTH_MAX> words;
};

[[noreturn]] void leave(j_common_ptr info) {
  auto* const failure = reinterpret_cast<Failure*>(info->err);
  failure->base.format_message(info, failure->words.data());
  std::longjmp(failure->jump, 1);
}

/// libjpeg goes on with grey where data are missing; that is an error here. What it only finds odd is not.
void judge_warning(j_common_ptr info, int level) {
  if (level >= 0) return;
  switch (info->err->msg_code) {
    case JWRN_ARITH_BAD_CODE:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_JPEG_EOF:
    case JWRN_MUST_RESYNC:
      leave(info);
    default:
      ++info->err->num_warnings;
  }
}

boolean end_of_file(j_decompress_ptr info) {
  WARNMS(info, JWRN_JPEG_EOF);  // Does not come back.
  return FALSE;
}

void count_scans(j_common_ptr info) {
  auto* const decompress = reinterpret_cast<j_decompress_ptr>(info);
  if (decompress->input_scan_number > kMostScans) ERREXIT(info, JERR_BAD_PROGRESSION);
}

void drop_message(j_common_ptr) {}

class Decompressor {
 public:
  explicit Decompressor(const Source& source) : source_(source) {
    info_.err = jpeg_std_error(&failure_.base);
    failure_.base.error_exit = leave;
    failure_.base.emit_message = judge_warning;
    failure_.base.output_message = drop_message;
    progress_.progress_monitor = count_scans;
  }
  ~Decompressor() { jpeg_destroy_decompress(&info_); }
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;

  void decode(std::int64_t channels, std::int64_t least_side, Image& image) {
    check(read_header());
    check_size(source_, Kind::jpeg, info_.image_width, info_.image_height);
    if (info_.data_precision != 8) refuse_precision();
    choose_colours(channels);
    choose_scale(least_side);
    check(start());
    image.resize(info_.output_components, info_.output_height, info_.output_width);
    check(read_rows(image.pixels.data(), static_cast<std::size_t>(image.width * image.channels)));
    if (info_.out_color_space == JCS_CMYK) drop_black(image);
  }

 private:
  bool read_header() {
    if (setjmp(failure_.jump)) return false;
    jpeg_create_decompress(&info_);
    info_.progress = &progress_;
    jpeg_mem_src(&info_, source_.bytes.data(), static_cast<unsigned long>(source_.bytes.size()));
    info_.src->fill_input_buffer = end_of_file;
    jpeg_read_header(&info_, TRUE);
    return true;
  }

  bool start() {
    if (setjmp(failure_.jump)) return false;
    jpeg_start_decompress(&info_);
    return true;
  }

  bool read_rows(std::uint8_t* pixels, std::size_t stride) {
    if (setjmp(failure_.jump)) return false;
    while (info_.output_scanline < info_.output_height) {
      JSAMPROW row = pixels + info_.output_scanline * stride;
      jpeg_read_scanlines(&info_, &row, 1);
    }
    // Up to the marker that ends the picture: a file without it is cut off.
    jpeg_finish_decompress(&info_);
    return true;
  }

  void check(bool done) {
    if (done) return;
    const bool has_source = info_.src != nullptr;
    const std::size_t left = has_source ? info_.src->bytes_in_buffer : 0;
    const std::string_view words = failure_.words.data();
    if (failure_.base.msg_code == JWRN_JPEG_EOF) {
      refuse(source_, source_.bytes.size(), "the file ends before its picture does; it is cut off");
    }
    if (failure_.base.msg_code == JERR_BAD_PRECISION) refuse_precision();
    refuse(source_, source_.bytes.size() - left, fmt::format("damaged JPEG: {}", words));
  }

  [[noreturn]] void refuse_precision() const {
    refuse(source_, fmt::format("a JPEG of {} bits a value, expected 8", info_.data_precision));
  }

  void choose_colours(std::int64_t channels) {
    switch (info_.jpeg_color_space) {
      case JCS_GRAYSCALE:
      case JCS_YCbCr:
      case JCS_RGB:
        info_.out_color_space =
            channels == 1 || info_.jpeg_color_space == JCS_GRAYSCALE ? JCS_GRAYSCALE : JCS_RGB;
        return;
      case JCS_CMYK:
      case JCS_YCCK:
        info_.out_color_space = JCS_CMYK;
        return;
      default:
        refuse(source_,
               fmt::format("a JPEG of {} channels that are no colours known here, expected grey, RGB, "
                           "YCbCr, CMYK or YCCK",
                           info_.num_components));
    }
  }

  /// The half, the quarter and the eighth are fast, since they leave out what they do not need.
  void choose_scale(std::int64_t least_side) {
    info_.scale_num = 1;
    info_.scale_denom = 1;
    if (least_side <= 0) return;
    const std::int64_t side = std::min<std::int64_t>(info_.image_width, info_.image_height);
    for (const unsigned denominator : {2U, 4U, 8U}) {
      if ((side + denominator - 1) / denominator >= least_side) info_.scale_denom = denominator;
    }
  }

  /// Adobe writes CMYK inverted, and nobody else writes any: RGB is the product with black.
  static void drop_black(Image& image) {
    const auto count = static_cast<std::size_t>(image.height * image.width);
    for (std::size_t i = 0; i < count; ++i) {
      const unsigned black = image.pixels[4 * i + 3];
      for (std::size_t c = 0; c < 3; ++c) {
        image.pixels[3 * i + c] = static_cast<std::uint8_t>((image.pixels[4 * i + c] * black + 127) / 255);
      }
    }
    image.pixels.resize(3 * count);
    image.channels = 3;
  }

  const Source& source_;
  jpeg_decompress_struct info_{};
  Failure failure_{};
  jpeg_progress_mgr progress_{};
};

}  // namespace

void decode_jpeg(const Source& source, std::int64_t channels, std::int64_t least_side, Image& image) {
  Decompressor(source).decode(channels, least_side, image);
}

#define SATSUMA_WORDS_OF(x) #x
#define SATSUMA_WORDS(x) SATSUMA_WORDS_OF(x)
std::string_view jpeg_library() {
  return "libjpeg-turbo " SATSUMA_WORDS(LIBJPEG_TURBO_VERSION);
}

}  // namespace satsuma::data::decode

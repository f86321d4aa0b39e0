#include "satsuma/data/decode.hpp"

#include <doctest/doctest.h>
#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "data/golden.hpp"
#include "src/data/decode/decoder.hpp"
#include "support.hpp"

using namespace satsuma;
using namespace satsuma::data_tests;

namespace {

namespace fs = std::filesystem;

const fs::path kPictures = fs::path(SATSUMA_GOLDEN) / "pictures";

Bytes read_all(const fs::path& path) {
  Bytes bytes;
  data::read_file(path, bytes);
  return bytes;
}

/// What Pillow reads: two 16-bit extents, then RGB.
data::Image expected_pixels(const std::string& name) {
  const Bytes bytes = read_all(kPictures / (name + ".rgb"));
  data::Image image;
  image.resize(3, bytes[2] | bytes[3] << 8, bytes[0] | bytes[1] << 8);
  std::copy(bytes.begin() + 4, bytes.end(), image.pixels.begin());
  return image;
}

int largest_difference(const data::Image& a, const data::Image& b) {
  REQUIRE(a.channels == b.channels);
  REQUIRE(a.height == b.height);
  REQUIRE(a.width == b.width);
  int result = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i)
    result = std::max(result, std::abs(a.pixels[i] - b.pixels[i]));
  return result;
}

std::vector<std::string> names() {
  std::vector<std::string> result;
  for (const auto& entry : fs::directory_iterator(kPictures)) {
    if (entry.path().extension() != ".rgb") result.push_back(entry.path().filename().string());
  }
  std::sort(result.begin(), result.end());
  return result;
}

std::string refusal(const Bytes& bytes) {
  data::Image image;
  return message_of<FormatError>([&] { data::decode_image(bytes, "picture", 3, image); });
}

data::decode::Kind kind_of(const Bytes& bytes) {
  return data::decode::kind_of(bytes);
}

}  // namespace

TEST_CASE("pictures of every kind have the pixels that Pillow reads") {
  REQUIRE(names().size() >= 24);
  for (const std::string& name : names()) {
    CAPTURE(name);
    // JPEG: the two sides round the same transform in another order. Others: exact but for the rounding of a
    // blend on white.
    const int tolerance = name.ends_with(".jpg") ? 2 : name.find("alpha") != std::string::npos ? 1 : 0;
    CHECK(largest_difference(data::read_image(kPictures / name, 3), expected_pixels(name)) <= tolerance);
  }
}

TEST_CASE("stb_image reads them too, where it is alone") {
  for (const std::string& name : names()) {
    CAPTURE(name);
    const Bytes bytes = read_all(kPictures / name);
    data::Image image;
    data::decode::decode_stb({bytes, name}, kind_of(bytes), image);
    data::decode::convert_channels(image, 3);
    // Chroma is blown up by another filter, which shows at edges; four components are approximated. As bits
    // become cruder with quality 60, so does that.
    const int tolerance = name == "cmyk.jpg" ? 40 : name.ends_with(".jpg") ? 24 : 1;
    CHECK(largest_difference(image, expected_pixels(name)) <= tolerance);
  }
}

TEST_CASE("grey pictures are those that colour ones fade to") {
  const data::Image grey = data::read_image(kPictures / "colour.png", 1);
  const data::Image colour = data::read_image(kPictures / "colour.png", 3);
  CHECK(grey.channels == 1);
  for (std::size_t i = 0; i < grey.pixels.size(); ++i) {
    const double expected =
        0.299 * colour.pixels[3 * i] + 0.587 * colour.pixels[3 * i + 1] + 0.114 * colour.pixels[3 * i + 2];
    CHECK(std::abs(grey.pixels[i] - expected) <= 0.51);  // half a step, and the weights' 16 bits
  }
  CHECK(data::read_image(kPictures / "grey.jpg", 1).pixels.size() == 27 * 18);
  CHECK(data::read_image(kPictures / "cmyk.jpg", 1).pixels.size() == 27 * 18);
}

TEST_CASE("a JPEG is delivered smaller, with no side below what is asked for") {
  const data::Image whole = data::read_image(kPictures / "large.jpg", 3);
  CHECK(whole.width == 64);
  const bool scales = data::decoder_summary().find("turbo") != std::string_view::npos;
  struct Case {
    std::int64_t least, width, height;
  };
  for (const Case& c :
       {Case{0, 64, 40}, {41, 64, 40}, {21, 64, 40}, {20, 32, 20}, {10, 16, 10}, {5, 8, 5}, {1, 8, 5}}) {
    const data::Image image = data::read_image(kPictures / "large.jpg", 3, c.least);
    CAPTURE(c.least);
    CHECK(image.width == (scales ? c.width : 64));
    CHECK(image.height == (scales ? c.height : 40));
    CHECK(image.pixels.size() == static_cast<std::size_t>(3 * image.width * image.height));
  }
  // The half is the mean of two by two pixels, but for what the transform leaves out.
  if (!scales) return;
  const data::Image half = data::read_image(kPictures / "large.jpg", 1, 20);
  const data::Image grey = data::read_image(kPictures / "large.jpg", 1);
  double sum = 0;
  for (std::int64_t y = 0; y < half.height; ++y) {
    for (std::int64_t x = 0; x < half.width; ++x) {
      const int mean = (grey.row(2 * y)[2 * x] + grey.row(2 * y)[2 * x + 1] + grey.row(2 * y + 1)[2 * x] +
                        grey.row(2 * y + 1)[2 * x + 1]) /
                       4;
      sum += std::abs(half.row(y)[x] - mean);
    }
  }
  CHECK(sum / static_cast<double>(half.pixels.size()) < 4);
}

TEST_CASE("a file that is cut off anywhere is refused, and says that it is") {
  for (const std::string& name : names()) {
    CAPTURE(name);
    const Bytes whole = read_all(kPictures / name);
    // What ends a GIF's first picture is not what ends the file.
    const std::size_t end = name.ends_with(".gif") ? 100 : whole.size();
    for (std::size_t size = 0; size < end; ++size) {
      CAPTURE(size);
      const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      CHECK(!refusal(part).empty());
      // And by stb_image alone.
      if (kind_of(part) == data::decode::Kind::none) continue;
      data::Image image;
      CHECK_THROWS_AS(data::decode::decode_stb({part, name}, kind_of(part), image), FormatError);
    }
    if (name == "baseline.jpg") {
      const Bytes half(whole.begin(), whole.end() - 20);
      CHECK(refusal(half) ==
            fmt::format("picture: offset {}: the file ends before its picture does; it is cut off",
                        half.size()));
    }
  }
}

TEST_CASE("damage is found or harmless: no byte of a file can make a decoder misbehave") {
  for (const std::string& name : names()) {
    CAPTURE(name);
    const Bytes whole = read_all(kPictures / name);
    for (std::size_t at = 0; at < whole.size(); ++at) {
      for (const int flip : {0xff, 0x01, 0x80}) {
        Bytes damaged = whole;
        damaged[at] = static_cast<std::uint8_t>(damaged[at] ^ flip);
        refusal(damaged);
        if (kind_of(damaged) == data::decode::Kind::none) continue;
        data::Image image;
        message_of<FormatError>([&] { data::decode::decode_stb({damaged, name}, kind_of(damaged), image); });
      }
    }
  }
}

TEST_CASE("what is no picture is named by what it looks like") {
  const auto text = [](std::string_view words) { return Bytes(words.begin(), words.end()); };
  CHECK(refusal({}) == "picture: no picture that can be read, expected JPEG, PNG, BMP or GIF; it is empty");
  CHECK(contains(refusal(Bytes(100, 0)), "it holds zero bytes"));
  CHECK(contains(refusal(text("notes about cats\n")), "it looks like text"));
  CHECK(contains(refusal(text("RIFF1234WEBPVP8 ")), "it looks like WebP"));
  CHECK(contains(refusal(text("<svg xmlns=")), "it looks like SVG"));
  CHECK(contains(refusal({0xff, 0xd8}), "cut off"));
  CHECK(contains(refusal({1, 2, 3}), "its first bytes are those of none of them"));
  const TempDir dir;
  // A newline in a name does not break the line.
  const fs::path odd = dir.write("a\nb.jpg", text("words"));
  const std::string message = message_of<FormatError>([&] { data::read_image(odd, 3); });
  CHECK(contains(message, "a\\x0ab.jpg: no picture"));
  CHECK(contains(message_of<IoError>([&] { data::read_image(dir.path() / "none.jpg", 3); }), "cannot read"));
  CHECK(contains(message_of<IoError>([&] { data::read_image(dir.path(), 3); }), "directory"));
  data::Image image;
  CHECK(contains(message_of<UsageError>([&] { data::decode_image({}, "x", 4, image); }), "1 (grey) or 3"));
}

TEST_CASE("a header that claims more than the file can hold is refused before anything is allocated") {
  const auto claim = [](Bytes bytes, std::size_t at, std::initializer_list<int> size) {
    for (const int byte : size) bytes[at++] = static_cast<std::uint8_t>(byte);
    return bytes;
  };
  // Width and height of 0x00010000 and above, or all that two bytes hold.
  Bytes png = claim(read_all(kPictures / "colour.png"), 16, {0, 1, 0x86, 0xa0, 0, 1, 0x86, 0xa0});
  const auto sum = static_cast<std::uint32_t>(crc32(0, png.data() + 12, 17));
  png = claim(png, 29,
              {static_cast<int>(sum >> 24U), static_cast<int>(sum >> 16U & 255U),
               static_cast<int>(sum >> 8U & 255U), static_cast<int>(sum & 255U)});
  reset_peak_new_bytes();
  const std::size_t before = live_new_bytes();
  CHECK(contains(refusal(png), "its header claims 100000x100000 pixels, expected at most 2^28 in all"));
  Bytes jpeg = read_all(kPictures / "baseline.jpg");
  std::size_t frame = 2;
  while (jpeg[frame + 1] != 0xc0) frame += 2U + (jpeg[frame + 2] << 8U | jpeg[frame + 3]);
  CHECK(contains(refusal(claim(jpeg, frame + 5, {0xff, 0, 0xff, 0})), "65280x65280"));
  CHECK(
      contains(refusal(claim(jpeg, frame + 5, {0x20, 0, 0x20, 0})), "8192x8192 pixels, more than a file of"));
  CHECK(contains(refusal(claim(jpeg, frame + 4, {12})), "12"));
  CHECK(!refusal(claim(jpeg, frame + 5, {0, 0})).empty());
  CHECK(contains(refusal(claim(read_all(kPictures / "still.gif"), 6, {0xff, 0x3f, 0xff, 0x3f})),
                 "16383x16383 pixels, more than a file of"));
  CHECK(contains(refusal(claim(read_all(kPictures / "colour.bmp"), 18, {0, 0, 1, 0, 0, 0, 1, 0})),
                 "65536x65536"));
  CHECK(
      contains(refusal(claim(read_all(kPictures / "colour.bmp"), 18, {0, 4, 0, 0, 0, 4, 0, 0})), "cut off"));
  CHECK(peak_new_bytes() - before < 200'000);
}

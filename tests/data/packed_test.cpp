#include "satsuma/data/packed.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include "data/golden.hpp"
#include "satsuma/data/decode.hpp"
#include "src/data/pack_writer.hpp"
#include "support.hpp"

using namespace satsuma;
using namespace satsuma::data_tests;
namespace packed = satsuma::data::packed;

namespace {

data::Image picture(std::int64_t height, std::int64_t width, unsigned salt) {
  data::Image image;
  image.resize(3, height, width);
  image.pixels = pattern(image.pixels.size(), salt);
  return image;
}

/// Two pictures for training and one for a test, of sizes of their own.
Bytes decoded_file(std::int64_t second_side = 3) {
  Bytes bytes;
  packed::Writer writer(packed::Kind::decoded, {"cat", "dog"}, [&](std::span<const std::uint8_t> part) {
    bytes.insert(bytes.end(), part.begin(), part.end());
  });
  writer.add(0, 0, "cat/1.png", picture(2, 5, 1));
  writer.add(0, 1, "dog/1\n.png", picture(second_side, second_side, 2));
  writer.add(2, 1, "dog/2.png", picture(2, 5, 3));
  writer.finish();
  return bytes;
}

Bytes with_sums(Bytes bytes) {
  const auto put = [&](std::size_t at, std::size_t value) {
    for (std::size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
  };
  const std::size_t footer = bytes.size() - packed::kFooterBytes;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < 8; ++i) begin |= std::size_t{bytes[footer + i]} << (8 * i);
  if (begin <= footer) put(footer + 16, crc32_z(0, bytes.data() + begin, footer - begin));
  put(footer + 28, crc32_z(0, bytes.data() + footer, 28));
  return bytes;
}

}  // namespace

TEST_CASE("a packed file delivers what was put into it") {
  const TempDir dir;
  const auto path = dir.write("set.pack", decoded_file());
  CHECK(data::is_packed(path));
  const data::PackedParts parts = data::open_packed(path, 3);
  REQUIRE(parts.train);
  CHECK(parts.validation == nullptr);
  REQUIRE(parts.test);
  CHECK(parts.train->size() == 2);
  CHECK(parts.train->class_names() == std::vector<std::string>{"cat", "dog"});
  CHECK(parts.train->label(1) == 1);
  CHECK(parts.train->image_shape() == Shape{3, 0, 0});
  CHECK(contains(parts.train->name(1), "set.pack:dog/1\\x0a.png"));
  data::Image image;
  parts.train->read(1, image);
  CHECK(image.height == 3);
  CHECK(image.pixels == picture(3, 3, 2).pixels);
  parts.test->read(0, image);
  CHECK(image.pixels == picture(2, 5, 3).pixels);
  data::open_packed(path, 1).test->read(0, image);
  CHECK(image.channels == 1);
  CHECK(image.pixels.size() == 10);
}

TEST_CASE("a packed file knows where pictures are of one size") {
  const TempDir dir;
  Bytes bytes;
  packed::Writer writer(packed::Kind::decoded, {"a", "b"}, [&](std::span<const std::uint8_t> part) {
    bytes.insert(bytes.end(), part.begin(), part.end());
  });
  for (unsigned i = 0; i < 4; ++i) writer.add(i % 2, i % 2, "x", picture(4, 6, i));
  writer.finish();
  CHECK(data::open_packed(dir.write("set.pack", bytes), 3).validation->image_shape() == Shape{3, 4, 6});
}

TEST_CASE("files are packed as they are, and decoded when they are read") {
  const TempDir dir;
  const std::filesystem::path jpeg = std::filesystem::path(SATSUMA_GOLDEN) / "pictures" / "large.jpg";
  Bytes file;
  data::read_file(jpeg, file);
  Bytes bytes;
  packed::Writer writer(packed::Kind::files, {"a", "b"}, [&](std::span<const std::uint8_t> part) {
    bytes.insert(bytes.end(), part.begin(), part.end());
  });
  writer.add(0, 1, "large.jpg", file);
  writer.add(0, 0, "broken.jpg", std::span(file).first(100));
  writer.finish();
  const data::PackedParts parts = data::open_packed(dir.write("set.pack", bytes), 3);
  data::Image image;
  parts.train->read(0, image);
  CHECK(image.pixels == data::read_image(jpeg, 3).pixels);
  CHECK(contains(message_of<FormatError>([&] { parts.train->read(1, image); }), "set.pack:broken.jpg: "));
}

TEST_CASE(
    "a packed file that is damaged anywhere is refused when it is opened, or when the picture is read") {
  const TempDir dir;
  const Bytes whole = decoded_file();
  const auto read_all = [&](const Bytes& bytes) {
    const auto path = dir.write("bad.pack", bytes);
    return message_of<FormatError>([&] {
      const data::PackedParts parts = data::open_packed(path, 3);
      data::Image image;
      for (const auto& part : {parts.train, parts.validation, parts.test}) {
        for (std::int64_t i = 0; part && i < part->size(); ++i) part->read(i, image);
      }
    });
  };
  CHECK(read_all(whole).empty());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK(contains(read_all({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}), "offset"));
  }
  for (std::size_t at = 0; at < whole.size(); ++at) {
    CAPTURE(at);
    Bytes bytes = whole;
    bytes[at] ^= 0x40;
    CHECK(contains(read_all(bytes), "offset"));
  }
  // With sums that hold again, what is left is what the entries say.
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const int value : {0, 1, 0x7f, 0xff}) {
      Bytes bytes = whole;
      bytes[at] = static_cast<std::uint8_t>(value);
      read_all(with_sums(bytes));
    }
  }
}

TEST_CASE("an index that lies makes nothing be allocated") {
  const TempDir dir;
  const Bytes whole = decoded_file();
  const std::size_t footer = whole.size() - packed::kFooterBytes;
  std::size_t index = 0;
  for (std::size_t i = 0; i < 8; ++i) index |= std::size_t{whole[footer + i]} << (8 * i);
  const std::size_t counts = index + 4 + 7 + 7;
  const std::size_t entry = counts + 24;
  const auto refusal = [&](std::size_t at, std::initializer_list<int> values) {
    Bytes bytes = whole;
    for (const int value : values) bytes[at++] = static_cast<std::uint8_t>(value);
    const auto path = dir.write("bad.pack", with_sums(bytes));
    reset_peak_new_bytes();
    const std::size_t before = live_new_bytes();
    std::string message = message_of<FormatError>([&] { data::open_packed(path, 3); });
    CHECK(peak_new_bytes() - before < 10'000);
    return message;
  };
  CHECK(contains(refusal(index, {0xff, 0xff, 0xff, 0xff}), "4294967295 classes, more than the index holds"));
  CHECK(contains(refusal(index + 4, {0xff, 0xff, 0xff, 0x7f}), "the index ends within an entry"));
  CHECK(contains(refusal(counts, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}),
                 "pictures, more than the index holds"));
  CHECK(contains(refusal(counts, {0}), "more bytes than pictures"));
  CHECK(
      contains(refusal(entry, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}), "outside of the pictures"));
  CHECK(contains(refusal(entry + 8, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}),
                 "outside of the pictures"));
  CHECK(contains(refusal(entry + 20, {2}), "label 2, expected 0 to 1"));
  CHECK(contains(refusal(entry + 24, {0xff, 0xff, 0xff, 0xff}), "bytes of a picture of 5x4294967295 pixels"));
  CHECK(contains(refusal(footer + 20, {9}), "version 9 of packed files, expected 1"));
  CHECK(contains(refusal(footer + 24, {2}), "damaged"));
}

TEST_CASE("a packed file that is cut off while it is in use is an error") {
  const TempDir dir;
  const auto path = dir.write("set.pack", decoded_file());
  const data::PackedParts parts = data::open_packed(path, 3);
  std::filesystem::resize_file(path, 20);
  data::Image image;
  CHECK(
      contains(message_of<FormatError>([&] { parts.train->read(1, image); }), "cut off while it was in use"));
  CHECK(!data::is_packed(dir.path()));
  CHECK(!data::is_packed(dir.path() / "none"));
  CHECK(contains(message_of<IoError>([&] { data::open_packed(dir.path() / "none", 3); }), "cannot read"));
  CHECK(contains(message_of<IoError>([&] { data::open_packed(dir.path(), 3); }), "not a regular file"));
}

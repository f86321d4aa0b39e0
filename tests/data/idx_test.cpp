#include "satsuma/data/idx.hpp"

#include <doctest/doctest.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support.hpp"

using namespace satsuma;
using namespace satsuma::data_tests;

TEST_CASE("IDX files are read, packed or not, whatever their name says") {
  const TempDir dir;
  const Bytes values = pattern(5 * 3 * 4);
  const Bytes images = idx_bytes({5, 3, 4}, values);
  // The bytes by hand, so that the test's writer is checked as well.
  CHECK(Bytes(images.begin(), images.begin() + 16) == Bytes{0, 0, 8, 3, 0, 0, 0, 5, 0, 0, 0, 3, 0, 0, 0, 4});
  for (const bool packed : {false, true}) {
    for (const char* const name : {"images", "images.gz"}) {
      CAPTURE(packed);
      CAPTURE(name);
      const data::IdxArray array = data::read_idx(dir.write(name, packed ? gzip(images) : images), 3);
      CHECK(array.shape == Shape{5, 3, 4});
      CHECK(array.values == values);
      CHECK(array.header_bytes() == 16);
    }
  }
}

TEST_CASE("IDX extents are big-endian over all four bytes") {
  const TempDir dir;
  const Bytes values = pattern(0x10203);
  for (const bool packed : {false, true}) {
    const Bytes bytes = idx_bytes({0x10203}, values);
    const data::IdxArray array = data::read_idx(dir.write("labels", packed ? gzip(bytes) : bytes), 1);
    CHECK(array.shape == Shape{0x10203});
    CHECK(array.values == values);
  }
}

TEST_CASE("a gzip file of several members and several pieces is one stream") {
  const TempDir dir;
  const Bytes values = pattern((std::size_t{9} << 20) + 13);
  const Bytes whole = idx_bytes({static_cast<std::uint32_t>(values.size())}, values);
  Bytes packed;
  for (std::size_t at = 0; at < whole.size(); at += 4'000'000) {
    const auto begin = whole.begin() + static_cast<std::ptrdiff_t>(at);
    const Bytes part(
        begin, begin + static_cast<std::ptrdiff_t>(std::min<std::size_t>(4'000'000, whole.size() - at)));
    const Bytes member = gzip(part);
    packed.insert(packed.end(), member.begin(), member.end());
  }
  const auto path = dir.write("labels.gz", packed);
  const std::size_t before = live_new_bytes();
  reset_peak_new_bytes();
  CHECK(data::read_idx(path, 1).values == values);
  // The pieces and the whole, and zlib's buffer.
  CHECK(peak_new_bytes() - before < 2 * values.size() + (std::size_t{5} << 20));
}

TEST_CASE("an empty array is an array") {
  const TempDir dir;
  CHECK(data::read_idx(dir.write("none", idx_bytes({0, 28, 28}, {})), 3).shape == Shape{0, 28, 28});
  CHECK(data::read_idx(dir.write("none.gz", gzip(idx_bytes({0}, {}))), 1).values.empty());
}

namespace {

struct Corrupt {
  std::string what;
  Bytes bytes;
  std::string message;  ///< part of it
};

Bytes with(Bytes bytes, std::size_t at, std::uint8_t value) {
  bytes[at] = value;
  return bytes;
}

Bytes cut(Bytes bytes, std::size_t size) {
  bytes.resize(size);
  return bytes;
}

Bytes longer(Bytes bytes, std::uint8_t value) {
  bytes.push_back(value);
  return bytes;
}

/// Damage that means the same whether the file is packed or not.
std::vector<Corrupt> corrupt_contents() {
  const Bytes good = idx_bytes({2, 3, 4}, pattern(24));
  std::vector<Corrupt> cases;
  for (std::size_t size = 0; size < 16; ++size) {
    cases.push_back(
        {fmt::format("header of {} bytes", size), cut(good, size), fmt::format("offset {}", size)});
  }
  for (std::size_t size = 16; size < good.size(); ++size) {
    cases.push_back({fmt::format("cut at {}", size), cut(good, size), fmt::format("offset {}", size)});
  }
  cases.push_back({"one byte too many", longer(good, 0), "offset 40"});
  cases.push_back({"first magic byte", with(good, 0, 1), "not an IDX file"});
  cases.push_back({"second magic byte", with(good, 1, 0x8b), "begins with 00 8b 08 03"});
  for (const int type : {0x00, 0x07, 0x09, 0x0b, 0x0c, 0x0d, 0x0e, 0xff}) {
    cases.push_back({fmt::format("element type {}", type), with(good, 2, static_cast<std::uint8_t>(type)),
                     fmt::format("offset 2: element type {:#04x}", type)});
  }
  for (const int rank : {0, 1, 2, 4, 8, 9, 255}) {
    cases.push_back({fmt::format("rank {}", rank), with(good, 3, static_cast<std::uint8_t>(rank)),
                     fmt::format("offset 3: rank {}, expected 3", rank)});
  }
  for (std::size_t at = 4; at < 16; ++at) {
    cases.push_back({fmt::format("extent's byte {} is 0xff", at), with(good, at, 0xff), "claims"});
  }
  for (const std::uint32_t extent : {0x7fffffffu, 0x80000000u, 0xffffffffu}) {
    cases.push_back({fmt::format("{} images", extent), idx_bytes({extent, 3, 4}, pattern(24)), "offset 40"});
    cases.push_back({fmt::format("all extents {}", extent), idx_bytes({extent, extent, extent}, pattern(24)),
                     "more than any file holds"});
  }
  return cases;
}

/// What read_idx says, and that it took next to no memory for it.
std::string refusal(const std::filesystem::path& path, std::size_t most_memory) {
  const std::size_t before = live_new_bytes();
  reset_peak_new_bytes();
  const std::string message = message_of<FormatError>([&] { data::read_idx(path, 3); });
  CHECK(peak_new_bytes() - before < most_memory);
  CHECK(contains(message, path.string()));
  CHECK(contains(message, "offset "));
  CHECK_FALSE(contains(message, "\n"));
  return message;
}

}  // namespace

TEST_CASE("damaged IDX files are refused with file and offset, and cost no memory") {
  const TempDir dir;
  for (const Corrupt& damaged : corrupt_contents()) {
    CAPTURE(damaged.what);
    const std::string plain = refusal(dir.write("plain", damaged.bytes), std::size_t{1} << 16);
    CHECK_MESSAGE(contains(plain, damaged.message), plain);
    // One piece of 4 MiB is what a packed file may cost before it has shown what it holds.
    const std::string packed = refusal(dir.write("packed", gzip(damaged.bytes)), std::size_t{5} << 20);
    const bool trailing = damaged.what == "one byte too many";
    CHECK_MESSAGE((trailing || contains(packed, damaged.message.substr(0, damaged.message.find(':')))),
                  packed);
    CHECK_MESSAGE(contains(packed, "of the unpacked data"), packed);
  }
}

TEST_CASE("damaged gzip files are refused") {
  const TempDir dir;
  const Bytes good = gzip(idx_bytes({64, 28, 28}, pattern(64 * 28 * 28, 7)));
  SUBCASE("cut anywhere") {
    for (std::size_t size = 2; size < good.size(); size += size < 40 || size > good.size() - 20 ? 1 : 211) {
      CAPTURE(size);
      const std::string message = refusal(dir.write("x", cut(good, size)), std::size_t{5} << 20);
      CHECK_MESSAGE(contains(message, fmt::format("offset {}: the gzip data are cut off", size)), message);
    }
  }
  SUBCASE("every byte of checksum and length counts") {
    for (std::size_t at = good.size() - 8; at < good.size(); ++at) {
      CAPTURE(at);
      const auto changed = static_cast<std::uint8_t>(good[at] ^ 0x10);
      CHECK(contains(refusal(dir.write("x", with(good, at, changed)), std::size_t{5} << 20), "damaged"));
    }
  }
  SUBCASE("a flipped bit anywhere never gets through unnoticed, or changes nothing") {
    const Bytes values = pattern(64 * 28 * 28, 7);
    for (std::size_t at = 2; at < good.size(); at += at < 12 ? 1 : 97) {
      CAPTURE(at);
      const auto path = dir.write("x", with(good, at, static_cast<std::uint8_t>(good[at] ^ 0x04)));
      // Time, system and the like in the header mean nothing.
      if (message_of<FormatError>([&] { data::read_idx(path, 3); }).empty()) {
        CHECK(data::read_idx(path, 3).values == values);
      }
    }
  }
  SUBCASE("bytes after the end") {
    const std::string message = refusal(dir.write("x", longer(good, 0)), std::size_t{5} << 20);
    CHECK_MESSAGE(contains(message, fmt::format("offset {}: 1 bytes follow the gzip data", good.size())),
                  message);
  }
  SUBCASE("another member with more data") {
    Bytes two = good;
    two.insert(two.end(), good.begin(), good.end());
    CHECK(contains(refusal(dir.write("x", two), std::size_t{5} << 20), "data follow"));
  }
}

TEST_CASE("a small gzip file that claims very much costs what it holds, not what it claims") {
  const TempDir dir;
  // 30 MiB of zeros in 30 KiB, under a header that claims 12 TiB.
  const Bytes zeros(std::size_t{30} << 20);
  const auto path = dir.write("bomb", gzip(idx_bytes({0xffffffff, 56, 56}, zeros)));
  const std::string message = refusal(path, 2 * zeros.size());
  CHECK(contains(message, fmt::format("offset {}", zeros.size() + 16)));
  // The other way round: a modest claim is not unpacked any further.
  const auto modest = dir.write("modest", gzip(idx_bytes({1, 2, 2}, zeros)));
  CHECK(contains(refusal(modest, std::size_t{1} << 20), "data follow"));
}

TEST_CASE("what is no readable file is an IoError that says why") {
  const TempDir dir;
  const auto message = [](const std::filesystem::path& path) {
    return message_of<IoError>([&] { data::read_idx(path, 3); });
  };
  CHECK(contains(message(dir.path() / "nowhere"), "nowhere"));
  CHECK(contains(message(dir.path() / "nowhere"), "No such file"));
  CHECK(contains(message(dir.path()), "it is a directory"));
  const auto pipe = dir.path() / "pipe";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(contains(message(pipe), "not a regular file"));
  const auto locked = dir.write("locked", idx_bytes({1, 1, 1}, {0}));
  REQUIRE(chmod(locked.c_str(), 0) == 0);
  if (geteuid() == 0) {
    MESSAGE("run as root, who may read everything: the case of a file without permission is left out");
  } else {
    CHECK(contains(message(locked), "Permission denied"));
  }
}

#include "src/train/events/event_writer.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "src/train/events/crc32c.hpp"
#include "train/file_limit.hpp"
#include "train/support.hpp"

namespace satsuma::train {

namespace {

using namespace satsuma::testing;

std::uint64_t little_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

/// Data of the records of a file; fails the test where framing or sums are wrong.
std::vector<std::string> records_of(std::string_view file) {
  std::vector<std::string> records;
  while (!file.empty()) {
    REQUIRE(file.size() >= 16);
    const std::uint64_t length = little_endian(file.substr(0, 8));
    CHECK(little_endian(file.substr(8, 4)) == masked_crc32c(file.substr(0, 8)));
    REQUIRE(file.size() >= 16 + length);
    records.emplace_back(file.substr(12, length));
    CHECK(little_endian(file.substr(12 + length, 4)) == masked_crc32c(records.back()));
    file.remove_prefix(16 + length);
  }
  return records;
}

}  // namespace

TEST_CASE("event files: whole records with sums, each writer a file of its own") {
  const TemporaryDirectory directory;
  EventWriter first(directory.path());
  EventWriter second(directory.path(), 12);
  CHECK(first.path() < second.path());
  CHECK(first.path().filename().string().starts_with("events.out.tfevents."));
  const std::pair<std::string, double> values[] = {{"loss", 0.5}, {"lr", 0.1}};
  first.scalars(3, values);
  first.histogram(3, "w", std::vector<float>{1, 2, 3, std::numeric_limits<float>::infinity()});
  first.histogram(3, "nothing", std::vector<float>{NAN});
  first.picture(3, "p", {2, 2, 1, {1, 2, 3, 4}});
  const std::pair<std::string, HyperParameter> parameters[] = {{"lr", 0.1}, {"path", std::string("a\xff")}};
  first.begin_session(parameters, {});
  first.end_session(true);
  const std::vector<std::string> records = records_of(read_file(first.path()));
  REQUIRE(records.size() == 7);
  CHECK(contains(records[0], "brain.Event:2"));
  CHECK(contains(records[1], "loss"));
  CHECK(contains(records[3], "PNG"));
  CHECK(contains(records[5], "a\\xff"));
  CHECK(records_of(read_file(second.path())).size() == 2);
}

TEST_CASE("event files: on a full disk no part of a record is left") {
  const TemporaryDirectory directory;
  EventWriter writer(directory.path());
  const auto whole = std::filesystem::file_size(writer.path());
  const std::string message = with_file_limit(whole + 10, [&] {
    const std::pair<std::string, double> values[] = {{"a tag that is longer than ten", 0.5}};
    writer.scalars(1, values);
  });
  CHECK(contains(message, writer.path().string()));
  CHECK(records_of(read_file(writer.path())).size() == 1);
}

}  // namespace satsuma::train

#include "satsuma/core/error.hpp"
#include "src/train/class_weights.hpp"
#include "src/train/duration.hpp"
#include "src/train/memory_limit.hpp"
#include "src/train/thumbnail.hpp"
#include "train/support.hpp"
#include "train/tiny_experiment.hpp"

namespace satsuma::train {

using namespace testing;

TEST_CASE("times") {
  CHECK(parse_duration("--max-time", "2h") == 7200);
  CHECK(parse_duration("--max-time", "1h30m") == 5400);
  CHECK(parse_duration("--max-time", "1.5s") == 1.5);
  CHECK(parse_duration("--max-time", "1d") == 86400);
  for (const char* const text : {"", "2", "h", "2x", "30m1h", "1h1h", "-1h", "1h30", "nanh"}) {
    CAPTURE(std::string(text));
    CHECK_THROWS_AS(parse_duration("--max-time", text), UsageError);
  }
}

TEST_CASE("sizes of memory") {
  CHECK(parse_bytes("--memory", "8GiB") == std::size_t{8} << 30);
  CHECK(parse_bytes("--memory", "1.5KiB") == 1536);
  CHECK(parse_bytes("--memory", "500MB") == 500'000'000);
  for (const char* const text : {"", "8", "GiB", "8G", "-1GiB", "0MB", "8GiB ", "1e30TiB"}) {
    CAPTURE(std::string(text));
    CHECK_THROWS_AS(parse_bytes("--memory", text), UsageError);
  }
  CHECK(available_memory() > 1 << 20);
}

TEST_CASE("weights of classes") {
  const data::MemoryDataset images({1, 1, 1}, 3, {0, 0, 0, 0}, {0, 0, 0, 1});
  CHECK_FALSE(class_weights_of("", images, 3).defined());
  // 4 images of 3 classes: 4 / (3 * 3), 4 / (3 * 1), none.
  const auto weights = class_weights_of("balanced", images, 3).to_vector<double>();
  CHECK(weights[0] == doctest::Approx(4.0 / 9));
  CHECK(weights[1] == doctest::Approx(4.0 / 3));
  CHECK(weights[2] == 0);
  CHECK(class_weights_of("1,2,0.5", images, 3).to_vector<double>() == std::vector<double>{1, 2, 0.5});
  CHECK_THROWS_WITH_AS(class_weights_of("1,2", images, 3), doctest::Contains("got 2 numbers, expected 3"),
                       UsageError);
}

TEST_CASE("thumbnails are bitmaps") {
  data::Image image;
  image.channels = 3;
  image.height = 1;
  image.width = 2;
  image.pixels = {1, 2, 3, 4, 5, 6};
  const std::string bytes = thumbnail_bmp(image);
  CHECK(bytes.size() == 54 + 8);
  CHECK(bytes.substr(0, 2) == "BM");
  // Blue first, rows of whole words.
  CHECK(bytes.substr(54) == std::string("\x03\x02\x01\x06\x05\x04\0\0", 8));
  image.channels = 1;
  image.height = 200;
  image.width = 130;
  image.pixels.assign(200 * 130, 7);
  const std::string small = thumbnail_bmp(image);
  CHECK(small[18] == 33);  // 130 / 4, rounded up
  CHECK(small[22] == 50);
  CHECK(small[54] == 7);
}

TEST_CASE("base64 of RFC 4648") {
  CHECK(base64("") == "");
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foobar") == "Zm9vYmFy");
  CHECK(base64("\xff\xff\xff") == "////");
}

}  // namespace satsuma::train

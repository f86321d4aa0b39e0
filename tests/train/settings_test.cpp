#include "satsuma/core/error.hpp"
#include "satsuma/train/duration.hpp"
#include "src/train/class_weights.hpp"
#include "src/train/events/png.hpp"
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
  CHECK(parse_duration("--max-time", "36500d") == 36500. * 86400);
  for (const char* const text : {"", "h", "2x", "30m1h", "1h1h", "-1h", "nanh", "36501d", "1000000000d"}) {
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

TEST_CASE("thumbnails are no longer than asked, and the picture itself where that is small") {
  data::Image image;
  image.channels = 3;
  image.height = 1;
  image.width = 2;
  image.pixels = {1, 2, 3, 4, 5, 6};
  CHECK(thumbnail_png(image) == encode_png(1, 2, 3, image.pixels));
  // Of 4 x 4 pixels each, the last column of 2 alone.
  image.channels = 2;
  image.height = 200;
  image.width = 130;
  image.pixels.clear();
  for (int i = 0; i < 200 * 130; ++i) {
    image.pixels.push_back(i % 130 < 128 ? 10 : 20);
    image.pixels.push_back(99);
  }
  std::vector<std::uint8_t> means(50 * 33, 10);
  for (std::size_t row = 0; row < 50; ++row) means[33 * row + 32] = 20;
  CHECK(thumbnail_png(image) == encode_png(50, 33, 1, means));
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

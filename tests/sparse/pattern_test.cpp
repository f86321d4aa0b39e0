#include "satsuma/sparse/pattern.hpp"

#include <doctest/doctest.h>

#include <string>

#include "satsuma/core/error.hpp"

namespace satsuma {

TEST_CASE("a pattern is read as N:M") {
  struct Case {
    const char* text;
    Pattern pattern;
  };
  for (const Case& c : {Case{"2:8", {2, 8}}, Case{"1:1", {1, 1}}, Case{"64:64", {64, 64}},
                        Case{"3:7", {3, 7}}, Case{"2:8x2", {2, 8, 2}}, Case{"1:4x16", {1, 4, 16}}}) {
    CAPTURE(c.text);
    CHECK(Pattern::parse(c.text) == c.pattern);
    CHECK(to_string(c.pattern) == c.text);
  }
  CHECK(Pattern{4, 4}.dense());
  CHECK_FALSE(Pattern{2, 4}.dense());
  CHECK(Pattern::parse("2:8x1") == Pattern{2, 8});
}

TEST_CASE("what is no pattern is refused in one line that repeats it") {
  struct Case {
    const char* text;
    const char* why;
  };
  const Case cases[] = {
      {"2:x", "is not N:M"},    {"", "is not N:M"},
      {":", "is not N:M"},      {"2", "is not N:M"},
      {"2:", "is not N:M"},     {":8", "is not N:M"},
      {"2:8:1", "is not N:M"},  {" 2:8", "is not N:M"},
      {"2:8 ", "is not N:M"},   {"+2:8", "is not N:M"},
      {"-2:8", "is not N:M"},   {"2:-8", "is not N:M"},
      {"2.0:8", "is not N:M"},  {"2:99999999999", "is not N:M"},
      {"8:2", "keeps more"},    {"2:0", "no elements"},
      {"0:0", "no elements"},   {"0:8", "keeps nothing"},
      {"1:65", "more than 64"}, {"2:8x3", "shared by 3 rows"},
      {"2:8x0", "shared by 0"}, {"2:8x32", "shared by 32"},
      {"2:8x", "is not N:M"},   {"2x2:8", "is not N:M"},
      {"x2", "is not N:M"},     {"2:8x2x2", "is not N:M"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    std::string message;
    try {
      Pattern::parse(c.text);
    } catch (const UsageError& error) {
      message = error.what();
    }
    CHECK(message.find(c.why) != std::string::npos);
    CHECK(message.find('\'' + std::string(c.text) + '\'') != std::string::npos);
    CHECK(message.find('\n') == std::string::npos);
  }
}

TEST_CASE("short last groups keep ceil(N L / M)") {
  struct Case {
    Pattern pattern;
    std::int64_t length;
    std::int64_t kept;
  };
  const Case cases[] = {
      {{2, 8}, 8, 2},   {{2, 8}, 64, 16}, {{2, 8}, 9, 3}, {{2, 8}, 12, 3},  {{2, 8}, 13, 4},  {{2, 8}, 3, 1},
      {{2, 8}, 0, 0},   {{2, 4}, 3, 2},   {{2, 4}, 1, 1}, {{1, 4}, 7, 2},   {{3, 7}, 7, 3},   {{3, 7}, 10, 5},
      {{1, 16}, 17, 2}, {{4, 4}, 11, 11}, {{1, 1}, 5, 5}, {{4, 16}, 31, 8}, {{1, 64}, 63, 1},
  };
  for (const Case& c : cases) {
    CAPTURE(to_string(c.pattern));
    CAPTURE(c.length);
    CHECK(kept_along(c.pattern, c.length) == c.kept);
  }
}

}  // namespace satsuma

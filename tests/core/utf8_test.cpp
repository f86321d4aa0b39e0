#include "src/core/utf8.hpp"

#include <doctest/doctest.h>

namespace satsuma {

TEST_CASE("UTF-8 is told from other bytes") {
  for (const char* const good :
       {"", "plain", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbd",
        "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "a\xc3\xa4z"}) {
    CAPTURE(shown(good));
    CHECK(is_utf8(good));
  }
  for (const char* const bad : {"\xff", "\x80", "\xc3", "a\xc3z", "\xc0\xaf", "\xc1\xbf", "\xe0\x9f\xbf",
                                "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
                                "\xf5\x80\x80\x80", "\xe2\x82", "\xe2\x28\xa1"}) {
    CAPTURE(shown(bad));
    CHECK_FALSE(is_utf8(bad));
  }
}

TEST_CASE("what is shown plays no tricks") {
  CHECK(shown("a\x1b[2J\n\x7f") == "a\\x1b[2J\\x0a\\x7f");
  CHECK(shown("\xc3\xa4") == "\xc3\xa4");
  CHECK(shown("\xc3\xa4\xff") == "\\xc3\\xa4\\xff");
  CHECK(shown(std::string(81, 'x')) == std::string(80, 'x') + "...");
}

}  // namespace satsuma

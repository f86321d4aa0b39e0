#include "src/core/nesting.hpp"

#include <doctest/doctest.h>
#include <fmt/core.h>

#include <string>

namespace satsuma {

namespace {

std::string repeated(const std::string& text, int count) {
  std::string result;
  for (int i = 0; i < count; ++i) result += text;
  return result;
}

}  // namespace

TEST_CASE("JSON that nests too deep is told from long JSON") {
  CHECK_FALSE(nests_too_deep(repeated("[", 64)));
  CHECK(nests_too_deep(repeated("[", 65)));
  CHECK(nests_too_deep(repeated("{\"a\":", 65)));
  CHECK_FALSE(nests_too_deep(repeated("[{}],", 1000)));
  // What is in a string is no bracket, whatever it has before it.
  CHECK_FALSE(nests_too_deep(fmt::format("\"{}\"", repeated("[", 1000))));
  CHECK_FALSE(nests_too_deep(fmt::format("\"\\\"{}\"", repeated("[", 1000))));
  CHECK(nests_too_deep(fmt::format("\"\\\\\"{}", repeated("[", 1000))));
  CHECK_FALSE(nests_too_deep(""));
  CHECK_FALSE(nests_too_deep("\"\\"));
}

TEST_CASE("keys of TOML with too many parts are told from other dots") {
  const std::string dots = repeated(".a", 33);
  CHECK_FALSE(has_long_keys(fmt::format("a{} = 1", repeated(".a", 32))));
  CHECK(has_long_keys(fmt::format("a{} = 1", dots)));
  CHECK(has_long_keys(fmt::format("[a{}]", dots)));
  CHECK(has_long_keys(fmt::format("x = {{a{} = 1}}", dots)));
  CHECK(has_long_keys(fmt::format("\"q\"{} = 1", repeated(".\"q\"", 33))));
  CHECK_FALSE(has_long_keys(fmt::format("x = [{}]", repeated("1.5, ", 1000))));
  // Strings of all four kinds, and comments.
  for (const std::string_view quote : {"\"", "'", "\"\"\"", "'''"}) {
    CHECK_FALSE(has_long_keys(fmt::format("x = {0}{1}{0}", quote, dots)));
    CHECK(has_long_keys(fmt::format("x = {0}it{0}\na{1}", quote, dots)));
  }
  CHECK_FALSE(has_long_keys(fmt::format("x = '''it's''{}'''", dots)));
  CHECK(has_long_keys(fmt::format("x = '''it's''''\na{}", dots)));
  CHECK(has_long_keys(fmt::format("x = \"\"\"\\\"\"\"\"\na{}", dots)));
  CHECK_FALSE(has_long_keys(fmt::format("x = 1 # it's{}", dots)));
  CHECK(has_long_keys(fmt::format("x = 1 # it's\na{}", dots)));
  CHECK_FALSE(has_long_keys(""));
  CHECK_FALSE(has_long_keys("'"));
  CHECK_FALSE(has_long_keys("\"\"\""));
}

}  // namespace satsuma

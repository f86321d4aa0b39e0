#include "src/core/message.hpp"

#include <doctest/doctest.h>

namespace satsuma {

TEST_CASE("what cannot be written is dropped, and the stream tells") {
  std::FILE* const full = std::fopen("/dev/full", "w");
  REQUIRE(full != nullptr);
  write_or_drop(full, "lost");
  CHECK(std::ferror(full) != 0);
  std::fclose(full);
}

TEST_CASE("what can be written is written at once") {
  char text[32] = {};
  std::FILE* const file = ::fmemopen(text, sizeof text, "w");
  REQUIRE(file != nullptr);
  write_or_drop(file, "kept");
  CHECK(std::string_view(text) == "kept");
  std::fclose(file);
}

}  // namespace satsuma

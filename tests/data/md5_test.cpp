#include "src/data/md5.hpp"

#include <doctest/doctest.h>

#include <string_view>

#include "support.hpp"

using namespace satsuma;
using namespace satsuma::data_tests;

TEST_CASE("MD5 has the sums of RFC 1321, however the bytes come") {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", "d41d8cd98f00b204e9800998ecf8427e"},
      {"a", "0cc175b9c0f1b6a831c399e269772661"},
      {"abc", "900150983cd24fb0d6963f7d28e17f72"},
      {"message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
      {"abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"},
      {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "d174ab98d277d9f5a5611c2c9f419d9f"},
      {"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
       "57edf4a22be3c955ac49da2e2107b67a"}};
  for (const auto& known : cases) {
    const std::string_view text = known.first;
    CAPTURE(text);
    CHECK(data::md5_digits(Bytes(text.begin(), text.end())) == known.second);
  }
  // All ways to end a block, in one piece and in pieces.
  for (std::size_t size = 0; size < 200; ++size) {
    const Bytes bytes = pattern(size);
    data::Md5 sum;
    for (std::size_t at = 0; at < size; at += 7)
      sum.add(std::span(bytes).subspan(at, std::min<std::size_t>(7, size - at)));
    CHECK(sum.digits() == data::md5_digits(bytes));
  }
}

// Pictures: by the decoders of this build, and by stb_image alone.

#include "fuzz.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/data/decode.hpp"
#include "src/data/decode/decoder.hpp"

using namespace satsuma;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::span file(bytes, size);
  data::Image image;
  const auto attempt = [](auto&& decode) {
    try {
      decode();
    } catch (const FormatError&) {
      // What it is there for.
    }
  };
  attempt([&] { data::decode_image(file, "fuzz", 3, image); });
  attempt([&] { data::decode_image(file, "fuzz", 1, image, 5); });
  const data::decode::Kind kind = data::decode::kind_of(file);
  if (kind != data::decode::Kind::none)
    attempt([&] { data::decode::decode_stb({file, "fuzz"}, kind, image); });
  return 0;
}

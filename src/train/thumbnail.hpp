#pragma once

#include <cstdint>
#include <string>

#include "satsuma/data/image.hpp"

namespace satsuma::train {

/// `image` as a PNG file, made smaller by means over whole pixels until no side is longer than `most`. Of
/// more than three channels the first three are shown, of two the first in grey.
std::string thumbnail_png(const data::Image& image, std::int64_t most = 64);

/// RFC 4648, padded.
std::string base64(const std::string& bytes);

}  // namespace satsuma::train

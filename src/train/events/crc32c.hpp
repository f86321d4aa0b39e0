#pragma once

#include <cstdint>
#include <string_view>

namespace satsuma::train {

/// CRC-32C (Castagnoli, polynomial 0x1EDC6F41 reflected), as RFC 3720 has it.
std::uint32_t crc32c(std::string_view bytes);

/// What a TFRecord file has of it, ((crc >> 15 | crc << 17) + 0xA282EAD8): the sum of data that holds sums
/// of its own.
std::uint32_t masked_crc32c(std::string_view bytes);

}  // namespace satsuma::train

#pragma once

#include <bit>
#include <cstdint>

namespace satsuma {

/// The bits of BFloat16(value), in line, where loops become vectors: nearest, ties to even. Not for files
/// that are compiled for an instruction set of their own, whose copy the linker might take for all;
/// src/ops/kernels/narrow.hpp has theirs.
inline std::uint32_t bf16_bits(float value) {
  const auto word = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t nearest = (word + 0x7fffu + (word >> 16 & 1u)) >> 16;
  const bool nan = static_cast<std::int32_t>(word & 0x7fffffffu) > 0x7f800000;
  // A NaN whose payload sits in the dropped half must not turn into infinity: set the quiet bit.
  return nan ? word >> 16 | 0x40u : nearest;
}

}  // namespace satsuma

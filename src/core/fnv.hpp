#pragma once

#include <cstdint>
#include <string_view>

namespace satsuma {

constexpr std::uint64_t kFnvBasis = 0xcbf29ce484222325u;

/// FNV-1a of 64 bits, of `bytes` behind what made `hash`: no defence against who looks for collisions.
constexpr std::uint64_t fnv1a(std::string_view bytes, std::uint64_t hash = kFnvBasis) {
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3u;
  return hash;
}

}  // namespace satsuma

#include "satsuma/core/rng.hpp"

#include <cmath>
#include <numbers>

namespace satsuma {

Rng::Rng(std::uint64_t seed, std::uint64_t stream) : seed_(seed), stream_(stream) {}

void Rng::refill() {
  const std::uint64_t counter = position_ / 4;
  std::array<std::uint32_t, 4> x = {
      static_cast<std::uint32_t>(counter), static_cast<std::uint32_t>(counter >> 32),
      static_cast<std::uint32_t>(stream_), static_cast<std::uint32_t>(stream_ >> 32)};
  auto key0 = static_cast<std::uint32_t>(seed_);
  auto key1 = static_cast<std::uint32_t>(seed_ >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53u} * x[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57u} * x[2];
    x = {static_cast<std::uint32_t>(b >> 32) ^ x[1] ^ key0, static_cast<std::uint32_t>(b),
         static_cast<std::uint32_t>(a >> 32) ^ x[3] ^ key1, static_cast<std::uint32_t>(a)};
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  block_ = x;
}

std::uint32_t Rng::next() {
  if (position_ % 4 == 0) refill();
  return block_[position_++ % 4];
}

float Rng::uniform() {
  return static_cast<float>(next() >> 8) * 0x1p-24f;
}

std::uint64_t Rng::below(std::uint64_t n) {
  // Draws past the largest multiple of n would favour small results.
  const std::uint64_t limit = ~std::uint64_t{0} - (~std::uint64_t{0} % n + 1) % n;
  for (;;) {
    const std::uint64_t high = next();
    const std::uint64_t draw = (high << 32) | next();
    if (draw <= limit) return draw % n;
  }
}

float Rng::normal() {
  const double u = (static_cast<double>(next()) + 1.0) * 0x1p-32;  // in (0, 1]
  const double v = static_cast<double>(next()) * 0x1p-32;
  return static_cast<float>(std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v));
}

void Rng::seek(std::uint64_t position) {
  position_ = position;
  if (position_ % 4 != 0) refill();
}

}  // namespace satsuma

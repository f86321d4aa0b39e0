#include "src/data/md5.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace satsuma::data {

namespace {

/// floor(2^32 |sin(i + 1)|)
std::array<std::uint32_t, 64> make_table() {
  std::array<std::uint32_t, 64> table{};
  for (std::size_t i = 0; i < table.size(); ++i) {
    table[i] =
        static_cast<std::uint32_t>(std::floor(4294967296.0 * std::abs(std::sin(static_cast<double>(i + 1)))));
  }
  return table;
}

}  // namespace

void Md5::add_block(const std::uint8_t* block) {
  constexpr std::array<std::array<int, 4>, 4> kRotations = {
      std::array{7, 12, 17, 22}, std::array{5, 9, 14, 20}, std::array{4, 11, 16, 23},
      std::array{6, 10, 15, 21}};
  constexpr std::array<std::size_t, 4> kFactor = {1, 5, 3, 7};
  constexpr std::array<std::size_t, 4> kFirst = {0, 1, 5, 0};
  static const auto table = make_table();
  std::array<std::uint32_t, 16> words{};
  for (std::size_t i = 0; i < 64; ++i) words[i / 4] |= static_cast<std::uint32_t>(block[i]) << (i % 4 * 8);
  auto [a, b, c, d] = state_;
  for (std::size_t i = 0; i < 64; ++i) {
    const std::size_t round = i / 16;
    const std::uint32_t mixed = round == 0   ? (b & c) | (~b & d)
                                : round == 1 ? (d & b) | (~d & c)
                                : round == 2 ? b ^ c ^ d
                                             : c ^ (b | ~d);
    const std::uint32_t sum = a + mixed + table[i] + words[(kFactor[round] * i + kFirst[round]) % 16];
    a = d;
    d = c;
    c = b;
    b += std::rotl(sum, kRotations[round][i % 4]);
  }
  state_ = {state_[0] + a, state_[1] + b, state_[2] + c, state_[3] + d};
}

void Md5::add(std::span<const std::uint8_t> bytes) {
  std::size_t held = count_ % 64;
  count_ += bytes.size();
  while (!bytes.empty()) {
    if (held == 0 && bytes.size() >= 64) {
      add_block(bytes.data());
      bytes = bytes.subspan(64);
      continue;
    }
    const std::size_t part = std::min(64 - held, bytes.size());
    std::memcpy(rest_.data() + held, bytes.data(), part);
    bytes = bytes.subspan(part);
    held += part;
    if (held == 64) {
      add_block(rest_.data());
      held = 0;
    }
  }
}

std::string Md5::digits() {
  const std::uint64_t bits = count_ * 8;
  std::array<std::uint8_t, 72> end{0x80};
  const std::size_t padding = 1 + (119 - count_ % 64) % 64;
  for (std::size_t i = 0; i < 8; ++i) end[padding + i] = static_cast<std::uint8_t>(bits >> (8 * i));
  add(std::span(end).first(padding + 8));
  std::string result;
  for (const std::uint32_t word : state_) {
    for (int i = 0; i < 4; ++i) result += fmt::format("{:02x}", word >> (8 * i) & 255U);
  }
  return result;
}

std::string md5_digits(std::span<const std::uint8_t> bytes) {
  Md5 sum;
  sum.add(bytes);
  return sum.digits();
}

}  // namespace satsuma::data

#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>

namespace satsuma::cpu {

namespace {

struct Register {
  alignas(64) unsigned char bytes[16][64];
};

/// Numbers below the least normal one become zeros of their sign.
inline float flushed(float value) {
  const bool tiny = (std::bit_cast<std::uint32_t>(value) & 0x7f800000) == 0;
  return tiny ? std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) & 0x80000000) : value;
}

inline float from_bf16(std::uint32_t bits) {
  return flushed(std::bit_cast<float>(bits << 16));
}

/// What the instructions do, in plain C++: the same bits, but where products or sums on the way are below the
/// least normal float. Other products are exact in f32, so that adding them is the fused multiply-add of the
/// instruction.
struct Tiles {
  static Register& at(int index) {
    static thread_local Register registers[8];
    return registers[index];
  }

  static void configure() {
    for (int i = 0; i < 8; ++i) std::memset(at(i).bytes, 0, sizeof(Register));
  }
  static void release() {
    // What is used without a configuration shows.
    for (int i = 0; i < 8; ++i) std::memset(at(i).bytes, 0xff, sizeof(Register));
  }

  template <int T>
  static void zero() {
    std::memset(at(T).bytes, 0, sizeof(Register));
  }
  template <int T>
  static void load(const void* from, std::int64_t stride) {
    for (int i = 0; i < 16; ++i) std::memcpy(at(T).bytes[i], static_cast<const char*>(from) + i * stride, 64);
  }
  template <int T>
  static void store(void* to, std::int64_t stride) {
    for (int i = 0; i < 16; ++i) std::memcpy(static_cast<char*>(to) + i * stride, at(T).bytes[i], 64);
  }

  template <int Sums, int First, int Second>
  static void multiply() {
    std::uint32_t first[16][16];
    std::uint32_t second[16][16];
    std::memcpy(first, at(First).bytes, sizeof(first));
    std::memcpy(second, at(Second).bytes, sizeof(second));
    float even_factors[16][16];
    float odd_factors[16][16];
    for (int k = 0; k < 16; ++k) {
      for (int n = 0; n < 16; ++n) {
        even_factors[k][n] = from_bf16(second[k][n] & 0xffff);
        odd_factors[k][n] = from_bf16(second[k][n] >> 16);
      }
    }
    for (int m = 0; m < 16; ++m) {
      float even[16] = {};
      float odd[16] = {};
      for (int k = 0; k < 16; ++k) {
        const float a = from_bf16(first[m][k] & 0xffff);
        const float b = from_bf16(first[m][k] >> 16);
        for (int n = 0; n < 16; ++n) even[n] += a * even_factors[k][n];
        for (int n = 0; n < 16; ++n) odd[n] += b * odd_factors[k][n];
      }
      float sums[16];
      std::memcpy(sums, at(Sums).bytes[m], sizeof(sums));
      for (int n = 0; n < 16; ++n) sums[n] = flushed(flushed(sums[n]) + flushed(even[n] + odd[n]));
      std::memcpy(at(Sums).bytes[m], sums, sizeof(sums));
    }
  }
};

}  // namespace

}  // namespace satsuma::cpu

#include "src/cpu/kernels/amx_body.hpp"

namespace satsuma::cpu {

const AmxKernels kAmxEmulation = amx_table();

}  // namespace satsuma::cpu

#include <cstdint>

namespace satsuma::cpu {

namespace {

/// The instructions themselves. The compilers' own functions take registers as literals only, and loads tell
/// no compiler that they read memory.
struct Tiles {
  static void configure() {
    struct alignas(64) Layout {
      std::uint8_t palette = 1;
      std::uint8_t start_row = 0;
      std::uint8_t reserved[14] = {};
      std::uint16_t row_bytes[16] = {};
      std::uint8_t rows[16] = {};
    };
    static_assert(sizeof(Layout) == 64);
    Layout layout;
    for (int i = 0; i < 8; ++i) {
      layout.row_bytes[i] = 64;
      layout.rows[i] = 16;
    }
    asm volatile("ldtilecfg %0" : : "m"(layout));
  }
  static void release() { asm volatile("tilerelease"); }

  template <int T>
  static void zero() {
    asm volatile("tilezero %%tmm%c0" : : "i"(T));
  }
  template <int T>
  static void load(const void* at, std::int64_t stride) {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(at), "r"(stride), "i"(T) : "memory");
  }
  template <int T>
  static void store(void* at, std::int64_t stride) {
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(at), "r"(stride), "i"(T) : "memory");
  }
  template <int Sums, int First, int Second>
  static void multiply() {
    asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(Sums), "i"(First), "i"(Second));
  }
};

}  // namespace

}  // namespace satsuma::cpu

#include "src/cpu/kernels/amx_body.hpp"

namespace satsuma::cpu {

const AmxKernels kAmxKernels = amx_table();

}  // namespace satsuma::cpu

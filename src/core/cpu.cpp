#include "satsuma/core/cpu.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#endif

#include "satsuma/core/error.hpp"

namespace satsuma {

namespace {

Isa best_isa() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    return __builtin_cpu_supports("avx512bf16") ? Isa::avx512_bf16 : Isa::avx512;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return Isa::avx2;
#endif
  return Isa::plain;
}

#if defined(__x86_64__) && defined(__linux__)
/// Whether the CPU has tiles and their products of bf16, and the system saves them for each thread.
bool cpu_has_amx() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0 || (ecx & bit_OSXSAVE) == 0) return false;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0) return false;
  constexpr unsigned kBf16AndTiles = 1u << 22 | 1u << 24;
  if ((edx & kBf16AndTiles) != kBf16AndTiles) return false;
  unsigned low = 0, high = 0;
  asm("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  constexpr unsigned kTileState = 1u << 17 | 1u << 18;
  return (low & kTileState) == kTileState;
}

/// Linux saves the 8 KiB of tiles only for processes that ask; what it grants is for all of their threads.
bool may_use_tiles() {
  constexpr long kRequestState = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestState, kTileData) == 0;
}
#else
bool cpu_has_amx() {
  return false;
}
bool may_use_tiles() {
  return false;
}
#endif

constexpr std::string_view kAmxName = "amx";
constexpr std::string_view kEmulatedName = "amx-emulated";

/// What kernels multiply with.
struct Choice {
  Isa isa;
  Amx amx;
};

/// AMX beside the best vectors; throws where it is asked for by name and missing.
Choice with_amx(Isa best, bool by_name) {
  const char* lack = nullptr;
  if (best < Isa::avx512_bf16 || !cpu_has_amx()) {
    lack = "by this CPU";
  } else if (!may_use_tiles()) {
    lack = "by this system, which refuses its tiles to processes (Linux 5.16 or later grants them)";
  }
  if (lack == nullptr) return {best, Amx::instructions};
  if (by_name) {
    throw UsageError(fmt::format("SATSUMA_ISA={} is not supported {}; the best it has is {}", kAmxName, lack,
                                 to_string(best)));
  }
  return {best, Amx::none};
}

Choice choose() {
  const Isa best = best_isa();
  const char* const variable = std::getenv("SATSUMA_ISA");
  const std::string_view forced = variable ? variable : "";
  if (forced.empty() || forced == kAmxName) return with_amx(best, !forced.empty());
  if (forced == kEmulatedName) return {best, Amx::emulated};
  for (const Isa isa : {Isa::plain, Isa::avx2, Isa::avx512, Isa::avx512_bf16}) {
    if (to_string(isa) != forced) continue;
    if (isa > best) {
      throw UsageError(fmt::format("SATSUMA_ISA={} is not supported by this CPU, whose best is {}", forced,
                                   to_string(best)));
    }
    return {isa, Amx::none};
  }
  throw UsageError(fmt::format(
      "SATSUMA_ISA={} is unknown; expected plain, avx2, avx512, avx512_bf16, amx or amx-emulated", forced));
}

const Choice& chosen() {
  static const Choice choice = choose();
  return choice;
}

}  // namespace

std::string_view to_string(Isa isa) {
  switch (isa) {
    case Isa::plain:
      return "plain";
    case Isa::avx2:
      return "avx2";
    case Isa::avx512:
      return "avx512";
    case Isa::avx512_bf16:
      break;
  }
  return "avx512_bf16";
}

Isa active_isa() {
  return chosen().isa;
}

Amx active_amx() {
  return chosen().amx;
}

std::string_view kernels_name() {
  switch (active_amx()) {
    case Amx::instructions:
      return kAmxName;
    case Amx::emulated:
      return kEmulatedName;
    case Amx::none:
      break;
  }
  return to_string(active_isa());
}

const CacheSizes& cache_sizes() {
  static const CacheSizes sizes = [] {
    CacheSizes found;
    const auto ask = [](int name, std::size_t& size) {
      const long value = sysconf(name);
      if (value > 0) size = static_cast<std::size_t>(value);
    };
    ask(_SC_LEVEL1_DCACHE_SIZE, found.level1);
    ask(_SC_LEVEL2_CACHE_SIZE, found.level2);
    ask(_SC_LEVEL3_CACHE_SIZE, found.level3);
    return found;
  }();
  return sizes;
}

std::string cpu_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  }
  return "unknown CPU";
}

}  // namespace satsuma

#include "satsuma/core/cpu.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

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

Isa choose_isa() {
  const Isa best = best_isa();
  const char* const forced = std::getenv("SATSUMA_ISA");
  if (forced == nullptr || *forced == '\0') return best;
  for (const Isa isa : {Isa::plain, Isa::avx2, Isa::avx512, Isa::avx512_bf16}) {
    if (to_string(isa) != forced) continue;
    if (isa > best) {
      throw UsageError(fmt::format("SATSUMA_ISA={} is not supported by this CPU, whose best is {}", forced,
                                   to_string(best)));
    }
    return isa;
  }
  throw UsageError(
      fmt::format("SATSUMA_ISA={} is unknown; expected plain, avx2, avx512 or avx512_bf16", forced));
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
  static const Isa isa = choose_isa();
  return isa;
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

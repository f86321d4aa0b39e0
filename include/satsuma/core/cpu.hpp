#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace satsuma {

/// Instruction sets that kernels are built for, in rising order.
enum class Isa { plain, avx2, avx512, avx512_bf16 };

/// `plain`, `avx2` (AVX2 and FMA), `avx512` (F, BW, DQ, VL), `avx512_bf16` (those and BF16).
std::string_view to_string(Isa isa);

/// The instruction set kernels use: the best this CPU has, or the one that the environment variable
/// SATSUMA_ISA names. Throws UsageError when that name is unknown or the CPU lacks it. Read once.
Isa active_isa();

/// What multiplies tiles of bf16, beside an instruction set for vectors.
enum class Amx { none, instructions, emulated };

/// `instructions` where the CPU has AMX tiles and products of bf16, beside avx512_bf16, and the system lets
/// this process use them: SATSUMA_ISA is empty or `amx`. `emulated`, in plain C++, where SATSUMA_ISA is
/// `amx-emulated`, with the best vectors of this CPU: slow, for tests. Throws as active_isa() does. Read
/// once.
Amx active_amx();

/// `amx`, `amx-emulated`, or where neither is active the name of active_isa(): what SATSUMA_ISA would say.
std::string_view kernels_name();

/// Sizes in bytes, per core (level 3: shared); typical values where the system tells none.
struct CacheSizes {
  std::size_t level1 = 32 << 10;
  std::size_t level2 = 1 << 20;
  std::size_t level3 = 16 << 20;
};
const CacheSizes& cache_sizes();

/// The processor's own name, for reports.
std::string cpu_name();

}  // namespace satsuma

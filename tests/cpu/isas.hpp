#pragma once

#include <string_view>
#include <vector>

#include "src/cpu/kernels/sample.hpp"

namespace satsuma::testing {

struct SampleTable {
  std::string_view name;
  const cpu::SampleKernels* kernels;
};

/// The sampling kernels that this CPU can run.
inline std::vector<SampleTable> sample_tables() {
  std::vector<SampleTable> tables = {{"plain", &cpu::kPlainSampleKernels}};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    tables.push_back({"avx2", &cpu::kAvx2SampleKernels});
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    tables.push_back({"avx512", &cpu::kAvx512SampleKernels});
  }
#endif
  return tables;
}

}  // namespace satsuma::testing

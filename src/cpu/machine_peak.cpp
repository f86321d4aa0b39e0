#include "src/cpu/machine_peak.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "satsuma/core/allocator.hpp"
#include "satsuma/core/cpu.hpp"
#include "satsuma/core/parallel.hpp"
#include "src/cpu/kernels/amx.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace satsuma::cpu {

namespace {

/// Independent chains of multiply-adds: more than latency times units, and few enough to stay in registers.
/// They start from different values, or the compiler would see that all are one.
constexpr int kChains = 12;
constexpr int kTurns = 500'000;

float plain_chains(float a, float b) {
  std::array<float, 4 * kChains> sums;
  for (std::size_t i = 0; i < sums.size(); ++i) sums[i] = a * static_cast<float>(i);
  for (int turn = 0; turn < kTurns; ++turn) {
    for (float& sum : sums) sum = sum * a + b;
  }
  float result = 0;
  for (const float sum : sums) result += sum;
  return result;
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) float avx2_chains(float a, float b) {
  const __m256 factor = _mm256_set1_ps(a);
  const __m256 term = _mm256_set1_ps(b);
  __m256 sums[kChains];
  for (int i = 0; i < kChains; ++i) sums[i] = _mm256_set1_ps(a * static_cast<float>(i));
  for (int turn = 0; turn < kTurns; ++turn) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) sums[i] = _mm256_fmadd_ps(sums[i], factor, term);
  }
  for (int i = 1; i < kChains; ++i) sums[0] = _mm256_add_ps(sums[0], sums[i]);
  return _mm256_cvtss_f32(sums[0]);
}

__attribute__((target("avx512f"))) float avx512_chains(float a, float b) {
  const __m512 factor = _mm512_set1_ps(a);
  const __m512 term = _mm512_set1_ps(b);
  __m512 sums[kChains];
  for (int i = 0; i < kChains; ++i) sums[i] = _mm512_set1_ps(a * static_cast<float>(i));
  for (int turn = 0; turn < kTurns; ++turn) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) sums[i] = _mm512_fmadd_ps(sums[i], factor, term);
  }
  for (int i = 1; i < kChains; ++i) sums[0] = _mm512_add_ps(sums[0], sums[i]);
  return _mm512_cvtss_f32(sums[0]);
}
#endif

#if defined(__x86_64__)
__attribute__((target("avx512f,avx512bf16"))) float bf16_chains(float a, float b) {
  // Any bits will do that stay small: products of small numbers are added to sums of no interest.
  const auto factor = reinterpret_cast<__m512bh>(_mm512_set1_ps(a));
  const auto term = reinterpret_cast<__m512bh>(_mm512_set1_ps(b));
  __m512 sums[kChains];
  for (int i = 0; i < kChains; ++i) sums[i] = _mm512_set1_ps(a * static_cast<float>(i));
  for (int turn = 0; turn < kTurns; ++turn) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) sums[i] = _mm512_dpbf16_ps(sums[i], factor, term);
  }
  for (int i = 1; i < kChains; ++i) sums[0] = _mm512_add_ps(sums[0], sums[i]);
  return _mm512_cvtss_f32(sums[0]);
}
#endif

/// As many products as twelve chains of 128 make: tiles have chains of their own.
constexpr int kAmxProducts = 128;

float amx_chains(float a, float /*b*/) {
  const AmxKernels* const kernels = amx_kernels();
  const AmxScope scope(kernels);
  kernels->multiply(std::int64_t{kTurns} * kChains * kAmxProducts / kAmxMultiplyProducts);
  return a;
}

struct Chains {
  float (*run)(float a, float b);
  int products;  ///< of an instruction
};

Chains chains_of(Isa isa) {
#if defined(__x86_64__)
  if (isa >= Isa::avx512) return {avx512_chains, 16};
  if (isa == Isa::avx2) return {avx2_chains, 8};
#endif
  static_cast<void>(isa);
  return {plain_chains, 4};
}

Chains bf16_chains_of(Isa isa) {
  if (active_amx() == Amx::instructions) return {amx_chains, kAmxProducts};
#if defined(__x86_64__)
  if (isa == Isa::avx512_bf16) return {bf16_chains, 32};
#endif
  return chains_of(isa);
}

/// The least of several measurements: what disturbs only ever slows.
double least_seconds(int repeat, const std::function<void()>& run) {
  double least = 0;
  for (int i = 0; i < repeat; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    run();
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
    least = i == 0 ? taken.count() : std::min(least, taken.count());
  }
  return least;
}

}  // namespace

MachinePeak measure_peak() {
  const int workers = threads();
  MachinePeak peak;
  // Read through volatile, so that nothing is computed beforehand; written so that nothing is left out.
  static volatile float factor = 0.999F;
  static volatile float term = 1e-3F;
  std::vector<float> results(static_cast<std::size_t>(workers));
  const auto gflops_of = [&](const Chains& chains) {
    const double busy = least_seconds(12, [&] {
      parallel_for(workers, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i)
          results[static_cast<std::size_t>(i)] = chains.run(factor, term);
      });
      term = results.front() > 1e30F ? 0 : 1e-3F;
    });
    return 2e-9 * kChains * chains.products * static_cast<double>(kTurns) * workers / busy;
  };
  peak.gflops = gflops_of(chains_of(active_isa()));
  peak.bf16_gflops = gflops_of(bf16_chains_of(active_isa()));

  constexpr std::size_t kLeastBytes = 64 << 20;
  const std::size_t bytes = std::clamp(2 * cache_sizes().level3, kLeastBytes, 4 * kLeastBytes);
  const auto count = static_cast<std::int64_t>(bytes / sizeof(float));
  std::array<std::shared_ptr<std::byte>, 3> storage;
  std::array<float*, 3> arrays{};
  for (std::size_t i = 0; i < 3; ++i) {
    storage[i] = allocate_host(bytes);
    arrays[i] = reinterpret_cast<float*>(storage[i].get());
  }
  const auto on_all = [&](const std::function<void(std::int64_t, std::int64_t)>& body) {
    parallel_for(count, 1 << 16, body);
  };
  on_all([&](std::int64_t begin, std::int64_t end) {
    for (float* const array : arrays) std::fill(array + begin, array + end, 1.0F);
  });
  const double moving = least_seconds(6, [&] {
    on_all(
        [a = arrays[0], b = arrays[1], c = arrays[2], s = factor + 0](std::int64_t begin, std::int64_t end) {
          for (std::int64_t i = begin; i < end; ++i) a[i] = b[i] + s * c[i];
        });
  });
  peak.gigabytes_a_second = 3e-9 * static_cast<double>(bytes) / moving;
  return peak;
}

}  // namespace satsuma::cpu

// The sampling kernels of all instruction sets that this CPU has, side by side in one process.

#include "src/cpu/kernels/sample.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "cpu/isas.hpp"
#include "satsuma/core/rng.hpp"
#include "satsuma/sparse/sampling.hpp"

namespace satsuma::cpu {

namespace {

constexpr int kChannels = 16;
constexpr std::uint32_t kOffset = 4096;
constexpr std::uint32_t kImageBytes = 192;

struct alignas(64) Group {
  float values[16][kChannels];
};

std::vector<SampledEntries> run(const SampleKernels& kernels, const Group& group, int length, int kept,
                                std::uint64_t line) {
  std::vector<SampledEntries> entries(static_cast<std::size_t>(kept));
  SampleArgs args;
  args.values = group.values[0];
  args.length = length;
  args.kept = kept;
  args.line = line;
  args.channel = 48;
  args.offset = kOffset;
  args.image_bytes = kImageBytes;
  args.to = entries.data();
  kernels.sample(args);
  return entries;
}

/// What the kernel chooses is what sample_group() chooses, bit by bit.
void compare(const SampleKernels& kernels, const Group& group, int length, int kept, std::uint64_t line) {
  const std::vector<SampledEntries> entries = run(kernels, group, length, kept, line);
  int differences = 0;
  for (int lane = 0; lane < kChannels; ++lane) {
    SampledElement expected[16];
    sample_group(&group.values[0][lane], kChannels, length, kept,
                 sample_uniform(line, static_cast<std::uint32_t>(48 + lane)), expected);
    for (int j = 0; j < kept; ++j) {
      const SampledEntries& got = entries[static_cast<std::size_t>(j)];
      const auto offset = kOffset + static_cast<std::uint32_t>(expected[j].position) * kImageBytes;
      differences += got.value[lane] != expected[j].value || got.offset[lane] != offset;
    }
  }
  CHECK(differences == 0);
}

}  // namespace

TEST_CASE("sampling kernels choose as the reference does") {
  for (const satsuma::testing::SampleTable& table : satsuma::testing::sample_tables()) {
    CAPTURE(table.name);
    Rng rng(1);
    for (int length = 1; length <= 16; ++length) {
      for (int kept = 1; kept <= length; ++kept) {
        CAPTURE(length);
        CAPTURE(kept);
        for (std::uint64_t line = 0; line < 40; ++line) {
          Group group;
          for (auto& row : group.values) {
            for (float& value : row) {
              value = rng.normal();
              // Zeros of both signs, equal ones, and sizes far apart.
              const std::uint32_t kind = rng.next() % 16;
              if (kind < line % 8) value = kind % 2 == 0 ? 0.0F : -0.0F;
              if (line % 5 == 1) value = std::round(value);
              if (line % 5 == 2) value *= value * value * value * value;
              if (line % 5 == 3 && kind == 15) value *= 1e20F;
            }
          }
          compare(*table.kernels, group, length, kept, sample_line(77, line));
        }
      }
    }
  }
}

TEST_CASE("sampling kernels let what is not finite be seen") {
  for (const satsuma::testing::SampleTable& table : satsuma::testing::sample_tables()) {
    CAPTURE(table.name);
    for (const float bad :
         {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
      for (const int kept : {1, 2, 3, 4}) {
        for (int count = 1; count <= 8; ++count) {
          Group group;
          for (int i = 0; i < 16; ++i) {
            for (int lane = 0; lane < kChannels; ++lane)
              group.values[i][lane] = i < count ? bad : static_cast<float>(i - lane);
          }
          const auto entries = run(*table.kernels, group, 8, kept, sample_line(5, 6));
          for (int lane = 0; lane < kChannels; ++lane) {
            int not_finite = 0;
            for (const SampledEntries& entry : entries) {
              not_finite += !std::isfinite(entry.value[lane]);
              const std::uint32_t at = (entry.offset[lane] - kOffset) / kImageBytes;
              CHECK(at < 8);
            }
            CHECK(not_finite >= std::min(count, kept));
          }
        }
      }
    }
  }
}

}  // namespace satsuma::cpu

// The sampling kernels of all instruction sets that this CPU has, side by side in one process.

#include "src/cpu/kernels/sample.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "cpu/isas.hpp"
#include "satsuma/core/rng.hpp"
#include "satsuma/sparse/sampling.hpp"

namespace satsuma::cpu {

namespace {

constexpr int kChannels = 16;
constexpr std::uint32_t kOffset = 4096;
constexpr std::uint32_t kImageBytes = 192;

/// [row of a pair][image][channel, or pair of them]
struct alignas(64) Group {
  float values[2][16][kChannels];
};

constexpr std::uint32_t kChannel[kChannels] = {48, 49, 50, 51, 52, 53, 54, 55,
                                               56, 57, 58, 59, 60, 61, 62, 63};

SampleArgs args_of(const Group& group, int length, int kept, std::uint64_t line) {
  SampleArgs args;
  args.values[0] = group.values[0][0];
  args.length = length;
  args.kept = kept;
  args.line = line;
  args.channels = kChannel;
  args.offset = kOffset;
  args.image_bytes = kImageBytes;
  return args;
}

std::vector<SampledEntries> run(const SampleKernels& kernels, const Group& group, int length, int kept,
                                std::uint64_t line) {
  std::vector<SampledEntries> entries(static_cast<std::size_t>(kept));
  SampleArgs args = args_of(group, length, kept, line);
  args.to = entries.data();
  kernels.sample(args);
  return entries;
}

std::vector<SampledSharedEntries> run_shared(const SampleKernels& kernels, const Group& group, int length,
                                             int kept, std::uint64_t line) {
  alignas(64) float sizes[16][kChannels];
  for (int i = 0; i < 16; ++i) {
    for (int lane = 0; lane < kChannels; ++lane)
      sizes[i][lane] = std::abs(group.values[0][i][lane]) + std::abs(group.values[1][i][lane]);
  }
  std::vector<SampledSharedEntries> entries(static_cast<std::size_t>(kept));
  SampleArgs args = args_of(group, length, kept, line);
  args.values[1] = group.values[1][0];
  args.sizes = sizes[0];
  args.to = entries.data();
  kernels.sample_shared(args);
  return entries;
}

/// What the kernel chooses is what sample_group() chooses, bit by bit.
void compare(const SampleKernels& kernels, const Group& group, int length, int kept, std::uint64_t line) {
  const auto entries = run(kernels, group, length, kept, line);
  const auto pairs = run_shared(kernels, group, length, kept, line);
  int differences = 0;
  for (int lane = 0; lane < kChannels; ++lane) {
    const float uniform = sample_uniform(line, kChannel[lane]);
    const auto offset_of = [](const SampledElement& element) {
      return kOffset + static_cast<std::uint32_t>(element.position) * kImageBytes;
    };
    SampledElement expected[32];
    sample_group({&group.values[0][0][lane], kChannels}, length, kept, uniform, expected);
    for (int j = 0; j < kept; ++j) {
      const SampledEntries& got = entries[static_cast<std::size_t>(j)];
      differences += got.value[lane] != expected[j].value || got.offset[lane] != offset_of(expected[j]);
    }
    sample_group({&group.values[0][0][lane], kChannels, 16 * kChannels, 2, 2}, length, kept, uniform,
                 expected);
    for (int j = 0; j < kept; ++j) {
      const SampledSharedEntries& got = pairs[static_cast<std::size_t>(j)];
      for (int row = 0; row < 2; ++row) {
        const SampledElement& element = expected[row * kept + j];
        differences += got.value[row][lane] != element.value || got.offset[lane] != offset_of(element);
      }
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
          for (float& value : std::span(group.values[0][0], 2 * 16 * kChannels)) {
            value = rng.normal();
            // Zeros of both signs, equal ones, and sizes far apart.
            const std::uint32_t kind = rng.next() % 16;
            if (kind < line % 8) value = kind % 2 == 0 ? 0.0F : -0.0F;
            if (line % 5 == 1) value = std::round(value);
            if (line % 5 == 2) value *= value * value * value * value;
            if (line % 5 == 3 && kind == 15) value *= 1e20F;
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
              group.values[0][i][lane] = group.values[1][i][lane] =
                  i < count ? bad : static_cast<float>(i - lane);
          }
          const auto entries = run(*table.kernels, group, 8, kept, sample_line(5, 6));
          const auto pairs = run_shared(*table.kernels, group, 8, kept, sample_line(5, 6));
          for (int lane = 0; lane < kChannels; ++lane) {
            int not_finite = 0;
            for (const SampledEntries& entry : entries) {
              not_finite += !std::isfinite(entry.value[lane]);
              const std::uint32_t at = (entry.offset[lane] - kOffset) / kImageBytes;
              CHECK(at < 8);
            }
            CHECK(not_finite >= std::min(count, kept));
            int pairs_not_finite = 0;
            for (const SampledSharedEntries& entry : pairs)
              pairs_not_finite += !std::isfinite(entry.value[1][lane]);
            CHECK(pairs_not_finite >= std::min(count, kept));
          }
        }
      }
    }
  }
}

}  // namespace satsuma::cpu

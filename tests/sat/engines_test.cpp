#include <doctest/doctest.h>

#include <random>

#include "sat/reference_engines.hpp"
#include "satsuma/sat/array.hpp"
#include "satsuma/sparse/packed.hpp"

namespace satsuma::sat::test {

namespace {

/// Positions that compress_reference() keeps of each vector, by group.
std::vector<std::vector<std::vector<int>>> kept_by_definition(const std::vector<std::vector<float>>& vectors,
                                                              Pattern pattern) {
  const auto rows = static_cast<std::int64_t>(vectors.size());
  const auto length = static_cast<std::int64_t>(vectors.front().size());
  Tensor weight = Tensor::zeros({rows, length, 1, 1}, DType::f32, MemoryFormat::channels_last);
  float* const data = weight.data<float>();
  for (std::int64_t i = 0; i < rows * length; ++i) {
    data[i] = vectors[static_cast<std::size_t>(i / length)][static_cast<std::size_t>(i % length)];
  }
  const PackedWeight packed = compress_reference(weight, GroupAxis::input_channels, pattern);
  const std::uint8_t* const index = packed.indices.data<std::uint8_t>();
  std::vector<std::vector<std::vector<int>>> kept(vectors.size());
  for (std::int64_t row = 0; row < rows; ++row) {
    auto& groups = kept[static_cast<std::size_t>(row)];
    groups.resize(static_cast<std::size_t>((length + pattern.m - 1) / pattern.m));
    for (std::int64_t j = 0; j < packed.kept(); ++j) {
      groups[static_cast<std::size_t>(j / pattern.n)].push_back(index[row * packed.kept() + j]);
    }
  }
  return kept;
}

}  // namespace

TEST_CASE("SORE: cycles of a chain of comparators, which keeps what the definition keeps") {
  std::mt19937 engine(3);
  const auto between = [&](int least, int most) {
    return std::uniform_int_distribution<int>(least, most)(engine);
  };
  for (int round = 0; round < 1500; ++round) {
    const int m = between(1, 17);
    const Pattern pattern{between(1, m), m};
    const int lanes = between(1, 6);
    const int length = between(1, 40);
    std::vector<std::vector<float>> vectors(static_cast<std::size_t>(between(1, 20)));
    // Few magnitudes, so that most groups have ties.
    for (auto& vector : vectors) {
      for (int i = 0; i < length; ++i) vector.push_back(static_cast<float>(between(-4, 4)));
    }
    Config config;
    config.sore_lanes = lanes;
    const ReferenceSore reference = run_sore(lanes, pattern.n, pattern.m, vectors);
    CAPTURE(to_string(pattern));
    CAPTURE(lanes);
    CAPTURE(length);
    CAPTURE(vectors.size());
    REQUIRE(sore_cycles(config, static_cast<std::int64_t>(vectors.size()), length, pattern) ==
            reference.cycles);
    REQUIRE(reference.kept == kept_by_definition(vectors, pattern));
  }
}

TEST_CASE("WUVE: cycles and values of a pipeline of lanes") {
  std::mt19937 engine(4);
  const auto between = [&](int least, int most) {
    return std::uniform_int_distribution<int>(least, most)(engine);
  };
  for (int round = 0; round < 500; ++round) {
    Config config;
    config.wuve_lanes = between(1, 9);
    config.wuve_latency = between(1, 15);
    std::vector<float> weights;
    std::vector<float> gradients;
    const int count = between(1, 200);
    for (int i = 0; i < count; ++i) {
      weights.push_back(static_cast<float>(between(-100, 100)));
      gradients.push_back(static_cast<float>(between(-100, 100)));
    }
    const ReferenceWuve reference = run_wuve(static_cast<int>(config.wuve_lanes),
                                             static_cast<int>(config.wuve_latency), 0.5F, weights, gradients);
    REQUIRE(wuve_cycles(config, count) == reference.cycles);
    for (std::size_t i = 0; i < weights.size(); ++i)
      REQUIRE(reference.weights[i] == weights[i] - 0.5F * gradients[i]);
  }
}

}  // namespace satsuma::sat::test

#include <doctest/doctest.h>

#include <random>

#include "sat/reference_array.hpp"
#include "satsuma/core/half.hpp"
#include "satsuma/sat/array.hpp"

namespace satsuma::sat::test {

namespace {

constexpr std::array<Pattern, 16> kPatterns = {{{1, 1},
                                                {1, 2},
                                                {2, 4},
                                                {1, 4},
                                                {4, 8},
                                                {2, 8},
                                                {1, 8},
                                                {4, 16},
                                                {2, 16},
                                                {1, 16},
                                                {3, 5},
                                                {2, 3},
                                                {5, 7},
                                                {1, 3},
                                                {7, 16},
                                                {3, 4}}};

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  int between(int least, int most) { return std::uniform_int_distribution<int>(least, most)(engine_); }
  /// An FP16 value; few exponents, so that sums round often and depend on their order.
  float half() { return static_cast<float>(Float16(std::uniform_real_distribution<float>(-2, 2)(engine_))); }

 private:
  std::mt19937 engine_;
};

struct Case {
  ReferenceArray array;
  ReferenceProduct product;
  ArrayProduct shape;
};

/// `length` elements in groups of M, the last one short where M does not divide it.
Case random_case(Random& random, Pattern pattern) {
  Case made;
  made.array = {random.between(1, 8), random.between(1, 8), random.between(1, 6), random.between(1, 8)};
  const int length = random.between(1, 4 * pattern.m);
  const int groups = (length + pattern.m - 1) / pattern.m;
  const int vectors = random.between(1, 40);
  const int columns = random.between(1, 20);
  ReferenceProduct& product = made.product;
  product.group = pattern.m;
  product.slots = pattern.n;
  product.vectors.assign(static_cast<std::size_t>(vectors), {});
  for (auto& vector : product.vectors) {
    for (int i = 0; i < groups * pattern.m; ++i) vector.push_back(i < length ? random.half() : 0);
  }
  product.initial.assign(static_cast<std::size_t>(vectors), {});
  for (auto& row : product.initial) {
    for (int k = 0; k < columns; ++k) row.push_back(random.half());
  }
  for (int g = 0; g < groups; ++g) {
    const int elements = std::min(pattern.m, length - g * pattern.m);
    const int kept = static_cast<int>(kept_in_group(pattern, elements));
    product.weights.emplace_back();
    for (int k = 0; k < columns; ++k) {
      std::vector<ReferenceWeight> slots(static_cast<std::size_t>(pattern.n));
      std::vector<int> positions(static_cast<std::size_t>(elements));
      for (int i = 0; i < elements; ++i) positions[static_cast<std::size_t>(i)] = i;
      for (int j = 0; j < kept; ++j) {
        const int left = elements - (kept - j);
        const int least = j == 0 ? 0 : slots[static_cast<std::size_t>(j - 1)].index + 1;
        slots[static_cast<std::size_t>(j)] = {random.half(), random.between(least, left), true};
      }
      product.weights.back().push_back(slots);
    }
  }
  made.shape = {vectors, columns, groups, kept_along(pattern, length), pattern.n};
  return made;
}

/// One sequential FP32 sum for each output.
std::vector<std::vector<float>> plain_sums(const ReferenceProduct& product) {
  auto outputs = product.initial;
  for (std::size_t v = 0; v < outputs.size(); ++v) {
    for (std::size_t k = 0; k < outputs[v].size(); ++k) {
      for (std::size_t g = 0; g < product.weights.size(); ++g) {
        for (const ReferenceWeight& weight : product.weights[g][k]) {
          if (!weight.valid) continue;
          const std::size_t position =
              g * static_cast<std::size_t>(product.group) + static_cast<std::size_t>(weight.index);
          outputs[v][k] += weight.value * product.vectors[v][position];
        }
      }
    }
  }
  return outputs;
}

Array model_of(const ReferenceArray& array) {
  return {array.rows, array.columns, array.latency, array.interleave};
}

}  // namespace

TEST_CASE("the array's cycles and values are those of a cycle-by-cycle simulation") {
  Random random(1);
  for (int round = 0; round < 120; ++round) {
    for (const Pattern pattern : kPatterns) {
      const Case made = random_case(random, pattern);
      const auto expected = plain_sums(made.product);
      for (const Dataflow dataflow : {Dataflow::weight_stationary, Dataflow::output_stationary}) {
        const ReferenceResult reference = dataflow == Dataflow::weight_stationary
                                              ? run_weight_stationary(made.array, made.product)
                                              : run_output_stationary(made.array, made.product);
        CAPTURE(round);
        CAPTURE(to_string(pattern));
        CAPTURE(to_string(dataflow));
        CAPTURE(made.array.rows);
        CAPTURE(made.array.columns);
        CAPTURE(made.array.latency);
        CAPTURE(made.array.interleave);
        CAPTURE(made.shape.vectors);
        CAPTURE(made.shape.columns);
        CAPTURE(made.shape.kept);
        REQUIRE(array_cycles(model_of(made.array), dataflow, made.shape).total() == reference.cycles);
        REQUIRE(reference.hazards == 0);
        REQUIRE(reference.outputs == expected);
      }
    }
  }
}

TEST_CASE("a reduction in pieces, the sums handed on, gives the same bits") {
  Random random(2);
  for (int round = 0; round < 200; ++round) {
    const Pattern pattern = kPatterns[static_cast<std::size_t>(random.between(0, 15))];
    Case made = random_case(random, pattern);
    const auto expected = plain_sums(made.product);
    const int cut = random.between(0, static_cast<int>(made.product.weights.size()));
    ReferenceProduct head = made.product;
    ReferenceProduct tail = made.product;
    head.weights.resize(static_cast<std::size_t>(cut));
    tail.weights.erase(tail.weights.begin(), tail.weights.begin() + cut);
    for (auto& vector : tail.vectors) vector.erase(vector.begin(), vector.begin() + cut * pattern.m);
    if (cut > 0) tail.initial = run_weight_stationary(made.array, head).outputs;
    if (tail.weights.empty()) {
      CHECK(tail.initial == expected);
      continue;
    }
    CHECK(run_weight_stationary(made.array, tail).outputs == expected);
    CHECK(run_output_stationary(made.array, tail).outputs == expected);
  }
}

TEST_CASE("dense, latency one: SCALE-Sim's count") {
  const Array array{32, 32, 1, 1};
  const ArrayProduct product{256, 128, 256, 256, 1};
  CHECK(folds(array, Dataflow::weight_stationary, product) == 32);
  CHECK(array_cycles(array, Dataflow::weight_stationary, product).total() == 11200);
  CHECK(folds(array, Dataflow::output_stationary, product) == 32);
  CHECK(array_cycles(array, Dataflow::output_stationary, product).total() == 10176);
}

TEST_CASE("interleaving as many outputs as the latency leaves no accumulator stalls") {
  for (const std::int64_t latency : {1, 2, 3, 6}) {
    const Array turns{8, 8, latency, latency};
    const Array alone{8, 8, latency, 1};
    CHECK(weight_stationary_fold(turns, 1000, 2).accumulator == 0);
    CHECK(output_stationary_fold(turns, 1000).accumulator == 0);
    CHECK(weight_stationary_fold(alone, 1000, 2).accumulator == 1000 * (latency - 1));
    CHECK(output_stationary_fold(alone, 1000).accumulator == 1000 * (latency - 1));
    CHECK(weight_stationary_fold(alone, 1000, 1).accumulator == 0);
  }
}

}  // namespace satsuma::sat::test

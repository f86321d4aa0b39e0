#include "satsuma/sparse/transposable.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "satsuma/core/error.hpp"
#include "satsuma/core/parallel.hpp"

namespace satsuma {

namespace {

/// Min-cost flow by shortest paths, for one block after another: N units leave each row and arrive at each
/// column, an element carries one, and its cost is minus its magnitude. A path from a row to a column with
/// room undoes earlier choices where that pays, so that the flow has the least cost among those of its size
/// all the time. Costs reduced by the potentials are not negative, and a search ends at the first column with
/// room: mostly at once.
class BlockFlow {
 public:
  explicit BlockFlow(Pattern pattern)
      : m_(static_cast<std::size_t>(pattern.m)),
        n_(pattern.n),
        kept_(m_ * m_),
        potential_(2 * m_),
        distance_(2 * m_),
        before_(2 * m_),
        done_(2 * m_),
        load_(m_) {}

  /// Ones where `magnitudes`, m x m, keep an element.
  const std::vector<std::uint8_t>& solve(const double* magnitudes) {
    magnitudes_ = magnitudes;
    std::fill(kept_.begin(), kept_.end(), std::uint8_t{0});
    std::fill(load_.begin(), load_.end(), 0);
    // No reduced cost is below zero to begin with.
    for (std::size_t row = 0; row < m_; ++row)
      potential_[row] = *std::max_element(magnitudes + row * m_, magnitudes + (row + 1) * m_);
    std::fill(potential_.begin() + static_cast<std::ptrdiff_t>(m_), potential_.end(), 0.0);
    for (int unit = 0; unit < n_; ++unit) {
      for (std::size_t row = 0; row < m_; ++row) send(row);
    }
    return kept_;
  }

 private:
  /// Nodes are the rows and, from m on, the columns.
  void send(std::size_t from) {
    std::fill(distance_.begin(), distance_.end(), std::numeric_limits<double>::infinity());
    std::fill(done_.begin(), done_.end(), std::uint8_t{0});
    distance_[from] = 0;
    std::size_t node = from;
    for (;;) {
      node = nearest();
      done_[node] = 1;
      if (node >= m_ && load_[node - m_] < n_) break;
      node < m_ ? leave_row(node) : leave_column(node);
    }
    for (std::size_t i = 0; i < 2 * m_; ++i) {
      if (done_[i] != 0) potential_[i] += distance_[i] - distance_[node];
    }
    ++load_[node - m_];
    while (node != from) {
      const std::size_t to = node;
      node = before_[to];
      // A column is reached over an element that is taken, a row over one that is given back.
      kept_[node < m_ ? node * m_ + to - m_ : to * m_ + node - m_] = node < m_ ? 1 : 0;
    }
  }

  std::size_t nearest() const {
    std::size_t best = 2 * m_;
    for (std::size_t i = 0; i < 2 * m_; ++i) {
      if (done_[i] == 0 && (best == 2 * m_ || distance_[i] < distance_[best])) best = i;
    }
    return best;
  }

  void leave_row(std::size_t row) {
    for (std::size_t column = 0; column < m_; ++column) {
      const std::size_t at = row * m_ + column;
      if (kept_[at] == 0) reach(row, m_ + column, -magnitudes_[at]);
    }
  }

  void leave_column(std::size_t node) {
    for (std::size_t row = 0; row < m_; ++row) {
      const std::size_t at = row * m_ + node - m_;
      if (kept_[at] != 0) reach(node, row, magnitudes_[at]);
    }
  }

  void reach(std::size_t from, std::size_t to, double cost) {
    const double distance = distance_[from] + cost + potential_[from] - potential_[to];
    if (done_[to] != 0 || !(distance < distance_[to])) return;
    distance_[to] = distance;
    before_[to] = from;
  }

  std::size_t m_;
  int n_;
  const double* magnitudes_ = nullptr;
  std::vector<std::uint8_t> kept_;
  std::vector<double> potential_;
  std::vector<double> distance_;
  std::vector<std::size_t> before_;
  std::vector<std::uint8_t> done_;
  std::vector<int> load_;  ///< of columns
};

double magnitude(double value) {
  constexpr double kMost = std::numeric_limits<float>::max();
  return std::isfinite(value) ? std::min(std::abs(value), kMost) : kMost;
}

/// Reads the magnitudes of a block and writes what its mask keeps.
class Blocks {
 public:
  Blocks(const Tensor& weight, TransposableWeight& to)
      : weight_(weight),
        pattern_(to.ff.pattern),
        ff_(to.ff.indices.data<std::uint8_t>()),
        bp_(to.bp.indices.data<std::uint8_t>()),
        ff_kept_(to.ff.kept()),
        bp_kept_(to.bp.kept()),
        taps_(weight.dim(2) * weight.dim(3)) {}

  std::int64_t count() const { return weight_.dim(0) / pattern_.m * (weight_.dim(1) / pattern_.m) * taps_; }

  template <typename T>
  void choose(std::int64_t begin, std::int64_t end) const {
    const std::int64_t m = pattern_.m;
    const T* const values = weight_.data<T>();
    BlockFlow flow(pattern_);
    std::vector<double> magnitudes(static_cast<std::size_t>(m * m));
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t tap = i % taps_, block = i / taps_;
      const std::int64_t across = weight_.dim(1) / m;
      const std::int64_t row = block / across, column = block % across;
      auto magnitude_at = magnitudes.begin();
      for (std::int64_t k = row * m; k < (row + 1) * m; ++k) {
        for (std::int64_t c = column * m; c < (column + 1) * m; ++c) {
          const T value = values[weight_.offset({k, c, tap / weight_.dim(3), tap % weight_.dim(3)})];
          *magnitude_at++ = magnitude(static_cast<double>(value));
        }
      }
      write(flow.solve(magnitudes.data()), row, column, tap);
    }
  }

 private:
  void write(const std::vector<std::uint8_t>& kept, std::int64_t row, std::int64_t column,
             std::int64_t tap) const {
    const std::int64_t m = pattern_.m;
    for (std::int64_t i = 0; i < m; ++i) {
      std::uint8_t* ff = ff_ + ((row * m + i) * taps_ + tap) * ff_kept_ + column * pattern_.n;
      std::uint8_t* bp = bp_ + ((column * m + i) * taps_ + tap) * bp_kept_ + row * pattern_.n;
      for (std::int64_t j = 0; j < m; ++j) {
        if (kept[static_cast<std::size_t>(i * m + j)] != 0) *ff++ = static_cast<std::uint8_t>(j);
        if (kept[static_cast<std::size_t>(j * m + i)] != 0) *bp++ = static_cast<std::uint8_t>(j);
      }
    }
  }

  const Tensor& weight_;
  Pattern pattern_;
  std::uint8_t* ff_;
  std::uint8_t* bp_;
  std::int64_t ff_kept_;
  std::int64_t bp_kept_;
  std::int64_t taps_;
};

void check(const Tensor& weight, Pattern pattern) {
  validate(pattern);
  if (pattern.shared > 1) {
    throw UsageError(fmt::format("a transposable weight got pattern {}, expected {}:{}", to_string(pattern),
                                 pattern.n, pattern.m));
  }
  if (weight.rank() != 4 || weight.dim(0) % pattern.m != 0 || weight.dim(1) % pattern.m != 0) {
    throw ShapeError(
        fmt::format("[compress_transposable] got {}, expected a weight [K, C, R, S] of whole "
                    "blocks of {} x {}",
                    to_string(weight.shape()), pattern.m, pattern.m));
  }
}

}  // namespace

TransposableWeight compress_transposable(const Tensor& weight, Pattern pattern) {
  check(weight, pattern);
  TransposableWeight both = {empty_packed(weight, GroupAxis::input_channels, pattern),
                             empty_packed(weight, GroupAxis::output_channels, pattern)};
  const Blocks blocks(weight, both);
  dispatch_real("compress_transposable", weight.dtype(), [&](auto element) {
    parallel_for(blocks.count(), 16,
                 [&](std::int64_t begin, std::int64_t end) { blocks.choose<decltype(element)>(begin, end); });
  });
  return {kept_at(weight, both.ff), kept_at(weight, both.bp)};
}

std::vector<std::uint8_t> transposable_mask(std::span<const double> magnitudes, Pattern pattern) {
  validate(pattern);
  const auto m = static_cast<std::size_t>(pattern.m);
  if (magnitudes.size() != m * m) {
    throw ShapeError(fmt::format("[transposable_mask] got {} magnitudes, expected {} x {}", magnitudes.size(),
                                 pattern.m, pattern.m));
  }
  return BlockFlow(pattern).solve(magnitudes.data());
}

}  // namespace satsuma

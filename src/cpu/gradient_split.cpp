#include "src/cpu/gradient_split.hpp"

#include <algorithm>
#include <numeric>

#include "satsuma/core/parallel.hpp"
#include "src/cpu/scratch.hpp"
#include "src/cpu/shares.hpp"

namespace satsuma::cpu {

namespace {

// What things take, in multiply-adds that a thread does meanwhile.

/// Transposing an element of x, which waits for the third-level cache: 4 % of a linear layer with 512
/// outputs.
constexpr std::int64_t kTransposed = 20;
/// Writing an element of a partial sum and reading it again, where the caches of all threads are full.
constexpr std::int64_t kPartial = 60;
/// Waking the threads once more, to add them up.
constexpr std::int64_t kAnotherStart = kLeastShare;

/// `parts` ranges of the steps of about equal work; `before` has the work before each step, and all of it.
std::vector<Range> step_ranges(const std::vector<std::int64_t>& before, std::int64_t parts) {
  std::vector<Range> ranges(static_cast<std::size_t>(parts));
  const std::int64_t total = before.back();
  std::int64_t cut = 0;
  for (std::int64_t i = 1; i < parts; ++i) {
    const std::int64_t wanted = total / parts * i + total % parts * i / parts;
    const auto above = std::lower_bound(before.begin() + cut, before.end(), wanted);
    cut = above - before.begin();
    if (cut > 0 && wanted - before[static_cast<std::size_t>(cut - 1)] < *above - wanted) --cut;
    ranges[static_cast<std::size_t>(i - 1)].last = cut;
    ranges[static_cast<std::size_t>(i)].first = cut;
  }
  ranges.back().last = static_cast<std::int64_t>(before.size()) - 1;
  return ranges;
}

std::int64_t work_of(const std::vector<std::int64_t>& before, Range steps) {
  return before[static_cast<std::size_t>(steps.last)] - before[static_cast<std::size_t>(steps.first)];
}

/// Pieces that a thread has a part of, at most, where `threads` share them.
std::int64_t pieces_touched(std::int64_t pieces, std::int64_t threads) {
  if (pieces % threads == 0) return pieces / threads;
  return threads % pieces == 0 ? 1 : pieces / threads + 2;
}

/// The number of parts of the steps by which the slowest of `threads` is done first, of those that share the
/// products evenly. `before` as above.
std::int64_t best_parts(const GradientWork& work, const std::vector<std::int64_t>& before,
                        std::int64_t threads) {
  if (work.one_sum || threads <= 2) return 1;
  const std::int64_t size = work.rows * work.channels * work.taps;
  const std::int64_t blocks = ceil_div(work.channels, work.channel_unit);
  const std::int64_t units = blocks * ceil_div(work.rows, work.row_unit);
  const std::int64_t width = std::min(work.channels, work.channel_unit);
  const std::int64_t most =
      std::min({threads, static_cast<std::int64_t>(work.steps.size()), 1 + most_partial_floats(size) / size});
  std::int64_t best = 1;
  std::int64_t least = -1;
  bool even = false;
  for (std::int64_t parts = 1; parts <= most; ++parts) {
    const std::int64_t most_units = ceil_div(parts * units, threads);
    std::int64_t longest = 0;
    bool has_empty = false;  // sums to which nobody would write
    for (const Range& range : step_ranges(before, parts)) {
      longest = std::max(longest, work_of(before, range));
      has_empty = has_empty || range.size() == 0;
    }
    if (has_empty) continue;
    std::int64_t cost =
        longest * work.rows * work.channels / units * most_units +
        ceil_div(work.inputs, parts) * kTransposed * pieces_touched(parts * blocks, threads) * width;
    if (parts > 1) cost += kAnotherStart + size * (parts + 1) / threads * kPartial;
    const bool is_even = 100 * threads * most_units * longest <= 114 * units * before.back();
    if (least < 0 || is_even > even || (is_even == even && cost < least)) {
      least = cost;
      best = parts;
      even = is_even;
    }
  }
  return best;
}

/// Units [begin, end) of something of `size`.
Range range_of(std::int64_t begin, std::int64_t end, std::int64_t unit, std::int64_t size) {
  return {begin * unit, std::min(end * unit, size)};
}

/// A share of the pieces as rectangles of dw, whole blocks of input channels together. The pieces are those
/// of the first part of the steps, then those of the second and so on.
std::vector<GradientShare> rectangles(const GradientWork& work, const Share& share,
                                      const std::vector<Piece>& pieces, const std::vector<Range>& steps) {
  const std::int64_t blocks = static_cast<std::int64_t>(pieces.size() / steps.size());
  std::vector<GradientShare> result;
  bool joins = false;  // the last rectangle has whole blocks
  for (std::int64_t i = share.first.piece; i < share.end_piece(); ++i) {
    const Piece& piece = pieces[static_cast<std::size_t>(i)];
    const auto [begin, end] = share.units(i, piece);
    if (begin == end) continue;
    const Range channels = range_of(i % blocks, i % blocks + 1, work.channel_unit, work.channels);
    const bool whole = begin == 0 && end == piece.units;
    if (whole && joins && i % blocks != 0) {
      result.back().channels.last = channels.last;
    } else {
      result.push_back({range_of(begin, end, work.row_unit, work.rows), channels,
                        steps[static_cast<std::size_t>(i / blocks)], i / blocks});
    }
    joins = whole;
  }
  return result;
}

}  // namespace

std::int64_t most_partial_floats(std::int64_t size) {
  return std::max<std::int64_t>(3 * size, (std::int64_t{8} << 20) / static_cast<std::int64_t>(sizeof(float)));
}

GradientSplit::GradientSplit(const GradientWork& work, std::int64_t threads) {
  std::vector<std::int64_t> before(work.steps.size() + 1);
  std::partial_sum(work.steps.begin(), work.steps.end(), before.begin() + 1);
  const std::int64_t products = before.back() * work.rows * work.channels;
  const std::int64_t units = ceil_div(work.rows, work.row_unit);
  const std::int64_t useful = useful_threads(products, threads);
  sums_ = best_parts(work, before, useful);
  const std::vector<Range> steps = step_ranges(before, sums_);
  std::vector<Piece> pieces;
  for (const Range& part : steps) {
    for (std::int64_t first = 0; first < work.channels; first += work.channel_unit) {
      const std::int64_t width = std::min(work.channel_unit, work.channels - first);
      pieces.push_back({work_of(before, part) * width * units, units});
    }
  }
  const std::int64_t most = static_cast<std::int64_t>(pieces.size()) * units;
  for (const Share& share : equal_shares(pieces, std::min(useful, most)))
    threads_.push_back(rectangles(work, share, pieces, steps));
}

std::vector<std::int64_t> GradientSplit::products(const GradientWork& work) const {
  std::vector<std::int64_t> result;
  for (const std::vector<GradientShare>& shares : threads_) {
    std::int64_t& products = result.emplace_back(0);
    for (const GradientShare& share : shares) {
      for (std::int64_t step = share.steps.first; step < share.steps.last; ++step)
        products += work.steps[static_cast<std::size_t>(step)] * share.rows.size() * share.channels.size();
    }
  }
  return result;
}

void GradientSplit::run(float* dw, std::int64_t size,
                        const std::function<void(const GradientShare&, float*)>& body) const {
  Scratch partial(std::max<std::int64_t>((sums_ - 1) * size, 1));
  parallel_for(static_cast<std::int64_t>(threads_.size()), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      for (const GradientShare& share : threads_[static_cast<std::size_t>(i)])
        body(share, share.sum == 0 ? dw : partial.data() + (share.sum - 1) * size);
    }
  });
  if (sums_ == 1) return;
  constexpr std::int64_t kRun = 1 << 12;  // stays in the first-level cache
  parallel_for(ceil_div(size, kRun), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t at = begin * kRun; at < std::min(end * kRun, size); at += kRun) {
      const std::int64_t stop = std::min(at + kRun, size);
      for (std::int64_t sum = 0; sum + 1 < sums_; ++sum) {
        const float* const from = partial.data() + sum * size;
        for (std::int64_t i = at; i < stop; ++i) dw[i] += from[i];
      }
    }
  });
}

}  // namespace satsuma::cpu

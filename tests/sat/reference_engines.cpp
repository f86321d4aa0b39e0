#include "sat/reference_engines.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <optional>

namespace satsuma::sat::test {

namespace {

struct Held {
  float magnitude = 0;
  int index = 0;
};

/// On the wire between two comparators: perhaps a value, whose group it is, and how long that was if it ends
/// here.
struct Wire {
  std::optional<Held> value;
  std::size_t vector = 0;
  std::size_t group = 0;
  int ends_after = 0;  ///< elements of the group; 0 while it goes on
};

struct Comparator {
  std::optional<Wire> input;
  std::optional<Held> held;
};

/// Keeps the larger magnitude, of equal ones the lower index, and returns what goes on. The index must be
/// compared: an early value that a larger one pushed out meets a later one of its own magnitude further down
/// the chain.
Wire compare(Comparator& comparator) {
  Wire passed = *comparator.input;
  if (!passed.value) return passed;
  const std::optional<Held>& held = comparator.held;
  const bool wins = !held || passed.value->magnitude > held->magnitude ||
                    (passed.value->magnitude == held->magnitude && passed.value->index < held->index);
  if (wins) std::swap(passed.value, comparator.held);
  return passed;
}

}  // namespace

ReferenceSore run_sore(int lanes, int n, int m, const std::vector<std::vector<float>>& vectors) {
  ReferenceSore result;
  result.kept.resize(vectors.size());
  const std::size_t length = vectors.front().size();
  const std::size_t groups = (length + static_cast<std::size_t>(m) - 1) / static_cast<std::size_t>(m);
  for (auto& kept : result.kept) kept.resize(groups);
  std::vector<std::vector<Comparator>> chains(static_cast<std::size_t>(lanes),
                                              std::vector<Comparator>(static_cast<std::size_t>(n)));

  // A clock edge of one lane: every comparator works on its input register, then the wires move on.
  const auto clock = [&](std::vector<Comparator>& chain, std::optional<Wire> next) {
    for (std::size_t at = 0; at < chain.size(); ++at) {
      Comparator& comparator = chain[at];
      std::optional<Wire> passed;
      if (comparator.input) {
        passed = compare(comparator);
        if (passed->ends_after > 0) {
          const int keep = (n * passed->ends_after + m - 1) / m;
          if (comparator.held && static_cast<int>(at) < keep) {
            result.kept[passed->vector][passed->group].push_back(comparator.held->index);
          }
          comparator.held.reset();
        }
      }
      comparator.input = next;
      next = passed;
    }
  };

  for (std::size_t base = 0; base < vectors.size(); base += chains.size()) {
    for (std::size_t position = 0; position < length; ++position) {
      for (std::size_t lane = 0; lane < chains.size(); ++lane) {
        std::optional<Wire> next;
        if (base + lane < vectors.size()) {
          const int index = static_cast<int>(position) % m;
          const bool ends = index == m - 1 || position + 1 == length;
          next = Wire{Held{std::fabs(vectors[base + lane][position]), index}, base + lane,
                      position / static_cast<std::size_t>(m), ends ? index + 1 : 0};
        }
        clock(chains[lane], next);
      }
      ++result.cycles;
    }
  }
  const auto busy = [](const std::vector<Comparator>& chain) {
    return std::any_of(chain.begin(), chain.end(), [](const Comparator& c) { return c.input.has_value(); });
  };
  while (std::any_of(chains.begin(), chains.end(), busy)) {
    for (auto& chain : chains) clock(chain, std::nullopt);
    ++result.cycles;
  }
  for (auto& kept : result.kept) {
    for (auto& group : kept) std::sort(group.begin(), group.end());
  }
  return result;
}

ReferenceWuve run_wuve(int lanes, int latency, float rate, const std::vector<float>& weights,
                       const std::vector<float>& gradients) {
  ReferenceWuve result;
  result.weights = weights;
  std::deque<std::vector<std::size_t>> pipeline(static_cast<std::size_t>(latency));
  std::size_t next = 0;
  std::size_t done = 0;
  while (done < weights.size()) {
    std::vector<std::size_t> entering;
    while (entering.size() < static_cast<std::size_t>(lanes) && next < weights.size())
      entering.push_back(next++);
    pipeline.pop_front();
    pipeline.push_back(entering);
    for (const std::size_t at : pipeline.front()) {
      result.weights[at] -= rate * gradients[at];
      ++done;
    }
    ++result.cycles;
  }
  return result;
}

}  // namespace satsuma::sat::test

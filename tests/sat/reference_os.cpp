#include <deque>
#include <optional>

#include "sat/reference_array.hpp"

namespace satsuma::sat::test {

namespace {

/// One step of a fold, for one of the interleaved outputs: it travels right with a group of a vector and down
/// with a weight of a column.
struct Turn {
  int step = 0;
  int turn = 0;
};

struct Sum {
  Turn turn;
  float value = 0;
};

struct Register {
  int steps = 0;  ///< additions that are in the sum
  float value = 0;
};

struct Pe {
  std::optional<Turn> from_left;
  std::optional<Turn> from_above;
  std::deque<std::optional<Sum>> adder;
  std::vector<Register> registers;
};

class Machine {
 public:
  Machine(const ReferenceArray& array, const ReferenceProduct& product)
      : array_(array), product_(product), pes_(static_cast<std::size_t>(array.rows * array.columns)) {
    result_.outputs = product.initial;
    // Kept weights one after another; all columns keep as many of a group.
    for (std::size_t group = 0; group < product.weights.size(); ++group) {
      for (int slot = 0; slot < product.slots; ++slot) {
        if (product.weights[group][0][static_cast<std::size_t>(slot)].valid) {
          steps_.push_back({static_cast<int>(group), slot});
        }
      }
    }
    chain_.resize(static_cast<std::size_t>(array.columns));
  }

  ReferenceResult run() {
    const int vectors = static_cast<int>(product_.vectors.size());
    const int columns = static_cast<int>(product_.initial[0].size());
    for (int vector = 0; vector < vectors; vector += array_.rows * array_.interleave) {
      for (int column = 0; column < columns; column += array_.columns) run_fold(vector, column);
    }
    const std::int64_t cycles = result_.cycles;
    while (draining()) tick();  // beside whatever comes next
    result_.cycles = cycles;
    return result_;
  }

 private:
  struct Step {
    int group = 0;
    int slot = 0;
  };

  /// A finished sum on its way down its column.
  struct Drained {
    int vector = 0;
    int column = 0;
    float value = 0;
  };

  Pe& at(int row, int column) { return pes_[static_cast<std::size_t>(row * array_.columns + column)]; }
  int vector_of(int row, int turn) const { return vector_base_ + turn * array_.rows + row; }

  bool draining() const { return !chain_[0].empty(); }

  /// A clock edge: the chains of finished sums shift whatever the array does.
  void tick() {
    for (auto& chain : chain_) {
      if (chain.empty()) continue;
      const Drained sum = chain.front();
      chain.pop_front();
      if (sum.vector < static_cast<int>(result_.outputs.size()) &&
          sum.column < static_cast<int>(result_.outputs[0].size())) {
        result_.outputs[static_cast<std::size_t>(sum.vector)][static_cast<std::size_t>(sum.column)] =
            sum.value;
      }
    }
    ++result_.cycles;
  }

  void run_fold(int vector_base, int column_base) {
    vector_base_ = vector_base;
    column_base_ = column_base;
    step_ = turn_ = 0;
    done_ = 0;
    for (int row = 0; row < array_.rows; ++row) {
      for (int column = 0; column < array_.columns; ++column) reset(row, column);
    }
    const int sums = array_.rows * array_.columns * array_.interleave;
    while (done_ < sums) {
      step();
      tick();
    }
    while (draining()) tick();  // the chain still holds the fold before
    capture();
  }

  void reset(int row, int column) {
    Pe& pe = at(row, column);
    pe.from_left.reset();
    pe.from_above.reset();
    pe.adder.assign(static_cast<std::size_t>(array_.latency), std::nullopt);
    pe.registers.assign(static_cast<std::size_t>(array_.interleave), {});
    for (int turn = 0; turn < array_.interleave; ++turn) {
      const auto v = static_cast<std::size_t>(vector_of(row, turn));
      const auto k = static_cast<std::size_t>(column_base_ + column);
      if (v < product_.initial.size() && k < product_.initial[0].size()) {
        pe.registers[static_cast<std::size_t>(turn)].value = product_.initial[v][k];
      }
    }
  }

  void step() {
    for (Pe& pe : pes_) {
      const std::optional<Sum> out = pe.adder.front();
      pe.adder.pop_front();
      if (!out) continue;
      pe.registers[static_cast<std::size_t>(out->turn.turn)] = {out->turn.step + 1, out->value};
    }
    const std::optional<Turn> next = feed();
    edge_.push_front(next);
    edge_.resize(static_cast<std::size_t>(array_.rows + array_.columns));
    for (int row = array_.rows - 1; row >= 0; --row) {
      for (int column = array_.columns - 1; column >= 0; --column) {
        at(row, column).from_left =
            column > 0 ? at(row, column - 1).from_left : edge_[static_cast<std::size_t>(row)];
        at(row, column).from_above =
            row > 0 ? at(row - 1, column).from_above : edge_[static_cast<std::size_t>(column)];
      }
    }
    for (int row = 0; row < array_.rows; ++row) {
      for (int column = 0; column < array_.columns; ++column) issue(row, column);
    }
  }

  /// I turns a step; a step begins when the sum of its first turn is back in the first PE.
  std::optional<Turn> feed() {
    if (step_ == static_cast<int>(steps_.size())) return std::nullopt;
    if (turn_ == 0 && at(0, 0).registers[0].steps != step_) return std::nullopt;
    const Turn now{step_, turn_};
    if (++turn_ == array_.interleave) {
      turn_ = 0;
      ++step_;
    }
    return now;
  }

  void issue(int row, int column) {
    Pe& pe = at(row, column);
    std::optional<Sum> result;
    if (pe.from_left.has_value() != pe.from_above.has_value()) ++result_.hazards;
    if (pe.from_left && pe.from_above) {
      const Turn now = *pe.from_left;
      if (now.step != pe.from_above->step || now.turn != pe.from_above->turn) ++result_.hazards;
      const Register& so_far = pe.registers[static_cast<std::size_t>(now.turn)];
      if (so_far.steps != now.step) ++result_.hazards;
      result = Sum{now, so_far.value + product_at(vector_of(row, now.turn), column_base_ + column, now.step)};
    }
    pe.adder.push_back(result);
    // The last stage's content is in its register at the next clock edge.
    const std::optional<Sum>& out = pe.adder.front();
    if (out && out->turn.step + 1 == static_cast<int>(steps_.size())) {
      ++done_;
      pe.registers[static_cast<std::size_t>(out->turn.turn)].value = out->value;
    }
  }

  float product_at(int vector, int column, int step) const {
    if (vector >= static_cast<int>(product_.vectors.size()) ||
        column >= static_cast<int>(product_.weights[0].size())) {
      return 0;
    }
    const Step& at = steps_[static_cast<std::size_t>(step)];
    const ReferenceWeight& weight =
        product_.weights[static_cast<std::size_t>(at.group)][static_cast<std::size_t>(column)]
                        [static_cast<std::size_t>(at.slot)];
    const int position = at.group * product_.group + weight.index;
    return weight.value *
           product_.vectors[static_cast<std::size_t>(vector)][static_cast<std::size_t>(position)];
  }

  void capture() {
    for (int column = 0; column < array_.columns; ++column) {
      for (int row = array_.rows - 1; row >= 0; --row) {
        for (int turn = 0; turn < array_.interleave; ++turn) {
          const float value = at(row, column).registers[static_cast<std::size_t>(turn)].value;
          chain_[static_cast<std::size_t>(column)].push_back(
              {vector_of(row, turn), column_base_ + column, value});
        }
      }
    }
    edge_.clear();
  }

  const ReferenceArray& array_;
  const ReferenceProduct& product_;
  std::vector<Pe> pes_;
  std::vector<Step> steps_;
  std::vector<std::deque<Drained>> chain_;
  std::deque<std::optional<Turn>> edge_;  ///< the program, as the delays at the edges hold it
  ReferenceResult result_;
  int vector_base_ = 0;
  int column_base_ = 0;
  int step_ = 0;
  int turn_ = 0;
  int done_ = 0;
};

}  // namespace

ReferenceResult run_output_stationary(const ReferenceArray& array, const ReferenceProduct& product) {
  return Machine(array, product).run();
}

}  // namespace satsuma::sat::test

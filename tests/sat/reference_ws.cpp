#include <algorithm>
#include <cmath>
#include <deque>
#include <optional>

#include "sat/reference_array.hpp"

namespace satsuma::sat::test {

namespace {

/// What travels right along a row: one group of one vector, for one of the N weights. A bubble has no vector.
struct Token {
  int vector = -1;
  int slot = 0;  ///< which of the N weights
  int turn = 0;  ///< which of the interleaved outputs
};

/// What leaves an adder.
struct Sum {
  Token token;
  float value = 0;
};

struct Pe {
  std::vector<ReferenceWeight> weights;       ///< N registers
  std::optional<Token> input;                 ///< arrived in this cycle
  std::deque<std::optional<Sum>> adder;       ///< L stages
  std::vector<std::optional<Sum>> registers;  ///< a sum for each interleaved output
  std::optional<Sum> to_below;                ///< left the adder for the next row in this cycle
};

class Fold {
 public:
  Fold(const ReferenceArray& array, const ReferenceProduct& product, int group_base, int column_base,
       ReferenceResult& result)
      : array_(array),
        product_(product),
        group_base_(group_base),
        column_base_(column_base),
        result_(result),
        pes_(static_cast<std::size_t>(array.rows * array.columns)) {
    for (Pe& pe : pes_) {
      pe.weights.resize(static_cast<std::size_t>(product.slots));
      pe.adder.resize(static_cast<std::size_t>(array.latency));
      pe.registers.resize(static_cast<std::size_t>(array.interleave));
    }
  }

  void run() {
    load();
    program_ = {};
    while (left_ < static_cast<int>(product_.vectors.size()) * array_.columns) {
      step();
      ++result_.cycles;
    }
  }

 private:
  Pe& at(int row, int column) { return pes_[static_cast<std::size_t>(row * array_.columns + column)]; }

  /// The registers of a column are one chain; a weight enters at its top each cycle, for the bottom first.
  void load() {
    const int groups = static_cast<int>(product_.weights.size());
    for (int step = 0; step < array_.rows * product_.slots; ++step) {
      const int place = array_.rows * product_.slots - 1 - step;
      for (int column = 0; column < array_.columns; ++column) {
        ReferenceWeight carried;
        const int group = group_base_ + place / product_.slots;
        const int k = column_base_ + column;
        if (group < groups && k < static_cast<int>(product_.weights[0].size())) {
          carried = product_.weights[static_cast<std::size_t>(group)][static_cast<std::size_t>(k)]
                                    [static_cast<std::size_t>(place % product_.slots)];
        }
        for (int row = 0; row < array_.rows; ++row) {
          for (ReferenceWeight& weight : at(row, column).weights) std::swap(carried, weight);
        }
      }
      ++result_.cycles;
    }
  }

  void step() {
    // Adders deliver, wires take what registers held: everything below happens between two clock edges.
    for (int row = 0; row < array_.rows; ++row) {
      for (int column = 0; column < array_.columns; ++column) deliver(row, column);
    }
    for (int row = 0; row < array_.rows; ++row) {
      for (int column = array_.columns - 1; column > 0; --column)
        at(row, column).input = at(row, column - 1).input;
      at(row, 0).input = feed(row);
    }
    for (int row = 0; row < array_.rows; ++row) {
      for (int column = 0; column < array_.columns; ++column) issue(row, column);
    }
    ++clock_;
    for (int column = 0; column < array_.columns; ++column) collect(column);
  }

  void deliver(int row, int column) {
    Pe& pe = at(row, column);
    const std::optional<Sum> out = pe.adder.front();
    pe.adder.pop_front();
    pe.to_below.reset();
    if (!out) return;
    if (out->token.slot == product_.slots - 1) {
      pe.to_below = out;
    } else {
      pe.registers[static_cast<std::size_t>(out->token.turn)] = out;
    }
  }

  /// Row 0 runs the program; each other row repeats it from when the first sum of the row above arrives.
  std::optional<Token> feed(int row) {
    if (row == 0) {
      fed_.push_back(next());
      return fed_.back();
    }
    auto& delay = delays_.at(static_cast<std::size_t>(row));
    if (!delay) {
      if (!at(row - 1, 0).to_below) return std::nullopt;
      delay = clock_;
    }
    const auto place = static_cast<std::size_t>(clock_ - *delay);
    return place < fed_.size() ? fed_[place] : std::nullopt;
  }

  /// Rounds of I turns, a round for each of the N weights. A round begins when the sum of its first turn is
  /// back.
  std::optional<Token> next() {
    const int vectors = static_cast<int>(product_.vectors.size());
    if (program_.base >= vectors) return std::nullopt;
    if (program_.turn == 0 && program_.slot > 0) {
      const auto& back = at(0, 0).registers[0];
      if (!back || back->token.vector != program_.base || back->token.slot != program_.slot - 1)
        return std::nullopt;
    }
    const int vector = program_.base + program_.turn;
    const Token token{vector < vectors ? vector : -1, program_.slot, program_.turn};
    if (++program_.turn == array_.interleave) {
      program_.turn = 0;
      if (++program_.slot == product_.slots) {
        program_.slot = 0;
        program_.base += array_.interleave;
      }
    }
    return token;
  }

  void issue(int row, int column) {
    Pe& pe = at(row, column);
    std::optional<Sum> result;
    if (pe.input && pe.input->vector >= 0) {
      const Token& token = *pe.input;
      result = Sum{token, sum_so_far(row, column, token)};
      const ReferenceWeight& weight = pe.weights[static_cast<std::size_t>(token.slot)];
      if (weight.valid) {
        const auto& vector = product_.vectors[static_cast<std::size_t>(token.vector)];
        const int position = (group_base_ + row) * product_.group + weight.index;
        result->value += weight.value * vector[static_cast<std::size_t>(position)];
      }
    }
    pe.adder.push_back(result);
  }

  float sum_so_far(int row, int column, const Token& token) {
    if (token.slot == 0 && row == 0) {
      const int k = column_base_ + column;
      const auto& outputs = result_.outputs[static_cast<std::size_t>(token.vector)];
      return k < static_cast<int>(outputs.size()) ? outputs[static_cast<std::size_t>(k)] : 0.0F;
    }
    const std::optional<Sum>& from = token.slot == 0
                                         ? at(row - 1, column).to_below
                                         : at(row, column).registers[static_cast<std::size_t>(token.turn)];
    const int expected_slot = token.slot == 0 ? product_.slots - 1 : token.slot - 1;
    if (!from || from->token.vector != token.vector || from->token.slot != expected_slot) {
      ++result_.hazards;
      return 0;
    }
    return from->value;
  }

  /// What has just left the last stage of the bottom row goes into the output buffer at this clock edge.
  void collect(int column) {
    const std::optional<Sum>& out = at(array_.rows - 1, column).adder.front();
    if (!out || out->token.slot != product_.slots - 1) return;
    ++left_;
    const int k = column_base_ + column;
    auto& outputs = result_.outputs[static_cast<std::size_t>(out->token.vector)];
    if (k < static_cast<int>(outputs.size())) outputs[static_cast<std::size_t>(k)] = out->value;
  }

  struct Program {
    int base = 0;
    int slot = 0;
    int turn = 0;
  };

  const ReferenceArray& array_;
  const ReferenceProduct& product_;
  int group_base_;
  int column_base_;
  ReferenceResult& result_;
  std::vector<Pe> pes_;
  Program program_;
  std::vector<std::optional<Token>> fed_;
  std::vector<std::optional<std::int64_t>> delays_ = std::vector<std::optional<std::int64_t>>(64);
  std::int64_t clock_ = 0;
  int left_ = 0;
};

}  // namespace

ReferenceResult run_weight_stationary(const ReferenceArray& array, const ReferenceProduct& product) {
  ReferenceResult result;
  result.outputs = product.initial;
  const int columns = static_cast<int>(product.weights[0].size());
  const int groups = static_cast<int>(product.weights.size());
  for (int column = 0; column < columns; column += array.columns) {
    for (int group = 0; group < groups; group += array.rows)
      Fold(array, product, group, column, result).run();
  }
  return result;
}

}  // namespace satsuma::sat::test

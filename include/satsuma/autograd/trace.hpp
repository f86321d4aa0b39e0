#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "satsuma/core/no_storage.hpp"
#include "satsuma/core/tensor.hpp"

namespace satsuma {

struct Operation;

/// What decides the result of an op beside its inputs, under a name: `stride` = [2, 2], `eps` = 1e-5.
struct Attribute {
  using Value = std::variant<bool, std::int64_t, double, std::vector<std::int64_t>>;

  std::string_view name;  ///< a literal
  Value value;
};
using Attributes = std::vector<Attribute>;

/// The ops that a computation consists of, in order, and the tensors that go in and out of them, with their
/// shapes and without their elements. Made by Tracing; nn::trace() makes that of a module.
class Trace {
 public:
  enum class Source : std::uint8_t {
    input,      ///< of the computation
    parameter,  ///< of a module
    buffer,     ///< of a module
    constant,   ///< a tensor that nobody declared
    op,         ///< result of an op
  };

  struct Value {
    Tensor tensor;  ///< for shape, dtype and layout; parameters and buffers of a loaded model have elements
    std::string name;  ///< of an input, parameter or buffer: `layer1.0.conv1.weight`
    Source source = Source::constant;
    /// True when a training step needs the gradient with respect to it.
    bool needs_grad = false;
  };

  struct Op {
    std::string_view kind;    ///< as it is recorded: `conv2d`
    std::string layer;        ///< module that called it: `layer1.0.conv1`; empty for the whole model
    std::vector<int> inputs;  ///< indices of values, in the op's order; -1 for one that was left out
    int output = -1;          ///< index of a value
    Attributes attributes;
    /// Which nn::checkpoint() it belongs to, where a training step runs that once more; -1 for none.
    int checkpoint = -1;

    /// Throws Error when the op has no such attribute, or one of another type.
    template <typename T>
    const T& attribute(std::string_view name) const {
      for (const Attribute& attribute : attributes) {
        if (attribute.name != name) continue;
        if (const T* const value = std::get_if<T>(&attribute.value)) return *value;
      }
      refuse(name);
    }

   private:
    [[noreturn]] void refuse(std::string_view attribute) const;
  };

  const std::vector<Op>& ops() const { return ops_; }
  const std::vector<Value>& values() const { return values_; }
  const Value& value(int index) const { return values_[static_cast<std::size_t>(index)]; }
  /// Index of the value that is this tensor; -1 when the trace does not know it.
  int find(const Tensor& tensor) const;
  /// Index of the value that was named the result; -1 before.
  int output() const { return output_; }

  /// Says what a tensor is before an op takes it. Returns its index.
  int declare(const Tensor& tensor, Source source, std::string name);
  void set_output(const Tensor& tensor) { output_ = find(tensor); }
  /// What record() does with every op.
  void add(const Operation& operation, std::string layer, const Tensor& output);
  /// The ops from `first` on are a checkpoint that ends in `output`; it runs again if that needs a gradient.
  void add_checkpoint(std::size_t first, const Tensor& output);

 private:
  std::vector<Op> ops_;
  std::vector<Value> values_;
  std::unordered_map<const void*, int> indices_;
  int output_ = -1;
  int checkpoints_ = 0;
};

/// While one lives, ops on this thread are written down in a trace and compute nothing; new tensors have no
/// elements.
class Tracing {
 public:
  /// One at a time on a thread; throws Error when there is another. `into` must outlive it.
  explicit Tracing(Trace& into);
  ~Tracing();
  Tracing(const Tracing&) = delete;
  Tracing& operator=(const Tracing&) = delete;

 private:
  friend class TraceScope;
  friend bool traced(const Operation& operation, const Tensor& output);
  friend Tensor trace_checkpoint(const std::function<Tensor()>& module);

  NoStorage no_storage_;
  Trace& trace_;
  std::string layer_;  ///< path of the module that runs
};

/// True while ops on this thread are written down.
bool tracing();

/// What nn::checkpoint() does then: runs `module`, whose ops are noted as those of a checkpoint.
Tensor trace_checkpoint(const std::function<Tensor()>& module);

/// Ops traced in its life are those of the module at `path`.
class TraceScope {
 public:
  explicit TraceScope(std::string path);
  ~TraceScope();
  TraceScope(const TraceScope&) = delete;
  TraceScope& operator=(const TraceScope&) = delete;

 private:
  std::string outer_;
};

/// Writes an op down when this thread is traced; false when it is not. For record(), which every op ends in.
bool traced(const Operation& operation, const Tensor& output);

}  // namespace satsuma

#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "satsuma/autograd/trace.hpp"
#include "satsuma/core/tensor.hpp"
#include "src/protobuf/onnx.hpp"

namespace satsuma::exports {

/// An ONNX graph that grows node by node. Values are strings, their names.
class OnnxGraph {
 public:
  using Ints = std::vector<std::int64_t>;
  struct Attribute {
    const char* name;
    std::variant<std::int64_t, double, Ints> value;
  };

  explicit OnnxGraph(onnx::Graph& graph) : graph_(graph) {}

  /// Nodes that follow are those of this layer, which their names begin with.
  void set_layer(std::string layer) { layer_ = std::move(layer); }
  /// Adds a node of one output, whose name it returns.
  std::string add(const char* type, const std::vector<std::string>& inputs,
                  const std::vector<Attribute>& attributes = {});
  /// Adds an initialiser of f32, unless there is one of the name.
  std::string tensor(const std::string& name, const Tensor& value);
  /// Initialisers without a name of the model.
  std::string ints(const Ints& values);
  std::string number(double value);
  std::string matrix(std::int64_t rows, std::int64_t columns, const std::vector<float>& values);

  /// Gives a value another name everywhere.
  void rename(const std::string& from, const std::string& to);

 private:
  std::string constant_name();

  onnx::Graph& graph_;
  std::string layer_;
  std::set<std::string> names_;
  int constants_ = 0;
};

/// One op of the model's trace, and the same op at another batch size.
struct TracedOp {
  const Trace& trace;
  const Trace::Op& op;
  const Trace::Op& in_other;
  std::vector<std::string> inputs;  ///< empty for one that was left out

  const Shape& shape(std::size_t input) const { return trace.value(op.inputs[input]).tensor.shape(); }
  const Shape& output() const { return trace.value(op.output).tensor.shape(); }
};

/// Batch sizes of the two traces: what differs between them is the batch's.
inline constexpr std::int64_t kBatch = 2;
inline constexpr std::int64_t kOtherBatch = 3;
/// Input of the graph.
inline constexpr const char* kInput = "input";

/// Adds the nodes of an op and returns the name of its result. Throws UsageError, naming op and layer, where
/// it has no ONNX form.
std::string add_op(OnnxGraph& graph, const TracedOp& op);

}  // namespace satsuma::exports

#include "satsuma/export/onnx.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "satsuma/core/error.hpp"
#include "satsuma/export/ff_weight.hpp"
#include "satsuma/nn/trace.hpp"
#include "satsuma/train/atomic_file.hpp"
#include "src/export/notes.hpp"
#include "src/export/onnx_graph.hpp"

namespace satsuma::exports {

namespace {

constexpr std::int64_t kOpset = 17;
constexpr std::int64_t kIrVersion = 8;  // of ONNX 1.12, which brought opset 17
constexpr std::size_t kMostBytes = (std::size_t{1} << 31) - 1;
constexpr const char* kOutput = "logits";

/// Names of a trace's values in a graph; initialisers come in when they are first used.
class Names {
 public:
  Names(const Trace& trace, std::map<std::string, Tensor> pruned, OnnxGraph& graph)
      : trace_(trace), pruned_(std::move(pruned)), graph_(graph), names_(trace.values().size()) {}

  std::string of(int index) {
    if (index < 0) return {};
    std::string& name = names_[static_cast<std::size_t>(index)];
    if (name.empty()) name = first(trace_.value(index));
    return name;
  }
  void set(int index, std::string name) { names_[static_cast<std::size_t>(index)] = std::move(name); }

 private:
  std::string first(const Trace::Value& value) {
    if (value.source == Trace::Source::input) return kInput;
    if (!value.tensor.has_storage())
      throw Error("[onnx] the model makes a tensor that is neither a parameter nor a buffer");
    if (value.name.empty()) return graph_.tensor(fmt::format("tensor_{}", unnamed_++), value.tensor);
    const auto found = pruned_.find(value.name);
    return graph_.tensor(value.name, found == pruned_.end() ? value.tensor.detach() : found->second);
  }

  const Trace& trace_;
  std::map<std::string, Tensor> pruned_;
  OnnxGraph& graph_;
  std::vector<std::string> names_;
  int unnamed_ = 0;
};

Shape with_batch(const Shape& image, std::int64_t batch) {
  return {batch, image[0], image[1], image[2]};
}

void add_nodes(onnx::Graph& made, nn::Module& model, const Shape& image) {
  const Trace trace = nn::trace(model, with_batch(image, kBatch));
  const Trace other = nn::trace(model, with_batch(image, kOtherBatch));
  OnnxGraph graph(made);
  Names names(trace, pruned_weights(model), graph);
  if (trace.ops().size() != other.ops().size())
    throw Error("[onnx] what the model does depends on the size of the batch");
  for (std::size_t i = 0; i < trace.ops().size(); ++i) {
    const Trace::Op& op = trace.ops()[i];
    TracedOp traced{trace, op, other.ops()[i], {}};
    for (const int input : op.inputs) traced.inputs.push_back(names.of(input));
    names.set(op.output, add_op(graph, traced));
  }
  graph.rename(names.of(trace.output()), kOutput);
}

void describe(onnx::ValueInfo& value, const char* name, const std::vector<std::int64_t>& extents) {
  value.set_name(name);
  onnx::TensorType& type = *value.mutable_type()->mutable_tensor_type();
  type.set_elem_type(onnx::FLOAT);
  type.mutable_shape()->add_dim()->set_dim_param("batch");
  for (const std::int64_t extent : extents) type.mutable_shape()->add_dim()->set_dim_value(extent);
}

std::string input_text(const ModelNotes& notes) {
  std::string text =
      fmt::format("images [batch, {}, {}, {}], f32, {}", notes.input[0], notes.input[1], notes.input[2],
                  notes.input[0] == 3 ? "channels red, green, blue" : "channels first");
  if (notes.mean.empty()) return text;
  if (notes.pad > 0) text += fmt::format("; of them a border of {} black pixels on each side", notes.pad);
  return text + fmt::format("; x = (byte / 255 - mean) / std with mean [{:g}] and std [{:g}] by channel",
                            fmt::join(notes.mean, ", "), fmt::join(notes.std, ", "));
}

void add_metadata(onnx::Model& model, const ModelNotes& notes) {
  for (const auto& [key, value] : metadata_of(notes)) {
    onnx::Entry& entry = *model.add_metadata_props();
    entry.set_key(key);
    entry.set_value(value);
  }
}

std::int64_t outputs_of(nn::Module& model, const Shape& image) {
  const Trace trace = nn::trace(model, with_batch(image, 1));
  return trace.value(trace.output()).tensor.dim(-1);
}

}  // namespace

void write_onnx(const std::filesystem::path& path, nn::Module& model, const ModelNotes& notes) {
  onnx::Model made;
  made.set_ir_version(kIrVersion);
  made.set_producer_name("satsuma");
  made.add_opset_import()->set_version(kOpset);
  made.set_doc_string(fmt::format("{}. Input: {}. Output: logits before softmax, one for each class.",
                                  notes.name, input_text(notes)));
  add_metadata(made, notes);
  onnx::Graph& graph = *made.mutable_graph();
  graph.set_name(notes.name);
  add_nodes(graph, model, notes.input);
  describe(*graph.add_input(), kInput, {notes.input.begin(), notes.input.end()});
  graph.mutable_input(0)->set_doc_string(input_text(notes));
  describe(*graph.add_output(), kOutput, {outputs_of(model, notes.input)});
  graph.mutable_output(0)->set_doc_string("logits before softmax, one for each class");

  if (made.ByteSizeLong() > kMostBytes) {
    throw UsageError(
        fmt::format("the model takes {} bytes, but an ONNX file holds at most {}; export it with "
                    "--format safetensors instead",
                    made.ByteSizeLong(), kMostBytes));
  }
  train::write_atomically(path, made.SerializeAsString());
}

}  // namespace satsuma::exports

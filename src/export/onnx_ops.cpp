#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "satsuma/core/error.hpp"
#include "src/export/onnx_graph.hpp"

namespace satsuma::exports {

namespace {

using Ints = OnnxGraph::Ints;

[[noreturn]] void refuse(const TracedOp& op, std::string_view why = {}) {
  throw UsageError(
      fmt::format("the op '{}' of layer '{}' has no ONNX form in opset 17{}{}; export it with "
                  "--format safetensors instead",
                  op.op.kind, op.op.layer, why.empty() ? "" : ": ", why));
}

const Ints& ints_of(const TracedOp& op, std::string_view name) {
  return op.op.attribute<Ints>(name);
}

/// Padding of two axes at both ends.
Ints both_ends(const Ints& padding) {
  return {padding[0], padding[1], padding[0], padding[1]};
}

std::string add_convolution(OnnxGraph& graph, const TracedOp& op) {
  std::vector<std::string> inputs(op.inputs.begin(), op.inputs.begin() + 2);
  if (!op.inputs[2].empty()) inputs.push_back(op.inputs[2]);
  return graph.add("Conv", inputs,
                   {{"kernel_shape", ints_of(op, "kernel")},
                    {"strides", ints_of(op, "stride")},
                    {"pads", both_ends(ints_of(op, "padding"))},
                    {"dilations", ints_of(op, "dilation")},
                    {"group", op.op.attribute<std::int64_t>("groups")}});
}

std::string add_linear(OnnxGraph& graph, const TracedOp& op) {
  const std::string& bias = op.inputs[2];
  if (op.shape(0).rank() == 2) {
    std::vector<std::string> inputs = {op.inputs[0], op.inputs[1]};
    if (!bias.empty()) inputs.push_back(bias);
    return graph.add("Gemm", inputs, {{"transB", std::int64_t{1}}});
  }
  // The initialiser keeps the parameter's name and shape; whoever runs the graph transposes it once.
  const std::string transposed = graph.add("Transpose", {op.inputs[1]}, {{"perm", Ints{1, 0}}});
  const std::string product = graph.add("MatMul", {op.inputs[0], transposed});
  return bias.empty() ? product : graph.add("Add", {product, bias});
}

std::string add_batch_norm(OnnxGraph& graph, const TracedOp& op) {
  if (op.op.attribute<bool>("training") || op.inputs[4].empty() || op.inputs[5].empty())
    refuse(op, "it has no running statistics");
  std::string y =
      graph.add("BatchNormalization", {op.inputs[0], op.inputs[1], op.inputs[2], op.inputs[4], op.inputs[5]},
                {{"epsilon", op.op.attribute<double>("eps")}});
  if (!op.inputs[3].empty()) y = graph.add("Add", {y, op.inputs[3]});
  return op.op.attribute<bool>("relu") ? graph.add("Relu", {y}) : y;
}

std::string add_layer_norm(OnnxGraph& graph, const TracedOp& op) {
  return graph.add("LayerNormalization", op.inputs,
                   {{"axis", std::int64_t{-1}}, {"epsilon", op.op.attribute<double>("eps")}});
}

std::string add_relu(OnnxGraph& graph, const TracedOp& op) {
  return graph.add("Relu", op.inputs);
}

/// x / 2 * (1 + erf(x / sqrt 2))
std::string add_gelu(OnnxGraph& graph, const TracedOp& op) {
  const std::string& x = op.inputs[0];
  const std::string erf = graph.add("Erf", {graph.add("Mul", {x, graph.number(std::sqrt(0.5))})});
  const std::string sum = graph.add("Add", {erf, graph.number(1)});
  return graph.add("Mul", {graph.add("Mul", {x, sum}), graph.number(0.5)});
}

std::string add_sum(OnnxGraph& graph, const TracedOp& op) {
  return graph.add("Add", op.inputs);
}

std::string add_sum_relu(OnnxGraph& graph, const TracedOp& op) {
  return graph.add("Relu", {graph.add("Add", op.inputs)});
}

std::string add_product(OnnxGraph& graph, const TracedOp& op) {
  return graph.add("Mul", op.inputs);
}

std::string add_scale(OnnxGraph& graph, const TracedOp& op) {
  return graph.add("Mul", {op.inputs[0], graph.number(op.op.attribute<double>("factor"))});
}

std::string add_softmax(OnnxGraph& graph, const TracedOp& op) {
  return graph.add("Softmax", op.inputs, {{"axis", op.op.attribute<std::int64_t>("axis")}});
}

std::vector<OnnxGraph::Attribute> window_of(const TracedOp& op) {
  return {{"kernel_shape", ints_of(op, "kernel")},
          {"strides", ints_of(op, "stride")},
          {"pads", both_ends(ints_of(op, "padding"))}};
}

std::string add_max_pool(OnnxGraph& graph, const TracedOp& op) {
  return graph.add("MaxPool", op.inputs, window_of(op));
}

std::string add_average_pool(OnnxGraph& graph, const TracedOp& op) {
  auto attributes = window_of(op);
  attributes.push_back({"count_include_pad", std::int64_t{1}});
  return graph.add("AveragePool", op.inputs, attributes);
}

/// The matrix [to, from] of means over windows whose ends are floor(p from / to) and ceil((p + 1) from / to).
std::vector<float> means(std::int64_t from, std::int64_t to) {
  std::vector<float> matrix(static_cast<std::size_t>(from * to));
  for (std::int64_t p = 0; p < to; ++p) {
    const std::int64_t begin = p * from / to;
    const std::int64_t end = ((p + 1) * from + to - 1) / to;
    for (std::int64_t i = begin; i < end; ++i)
      matrix[static_cast<std::size_t>(p * from + i)] = 1.0f / static_cast<float>(end - begin);
  }
  return matrix;
}

std::string add_adaptive_pool(OnnxGraph& graph, const TracedOp& op) {
  const Ints& size = ints_of(op, "size");
  const std::int64_t height = op.shape(0)[2];
  const std::int64_t width = op.shape(0)[3];
  if (size == Ints{1, 1}) return graph.add("GlobalAveragePool", op.inputs);
  if (size == Ints{height, width}) return graph.add("Identity", op.inputs);
  // Windows of several sizes, and those that overlap, are no pooling of ONNX's, but two products.
  const std::string rows =
      graph.add("MatMul", {graph.matrix(size[0], height, means(height, size[0])), op.inputs[0]});
  const std::string columns =
      graph.add("Transpose", {graph.matrix(size[1], width, means(width, size[1]))}, {{"perm", Ints{1, 0}}});
  return graph.add("MatMul", {rows, columns});
}

/// softmax(q k^T / sqrt d) v for [N, heads, T, d].
std::string add_attention(OnnxGraph& graph, const std::string& q, const std::string& k, const std::string& v,
                          std::int64_t width) {
  const std::string turned = graph.add("Transpose", {k}, {{"perm", Ints{0, 1, 3, 2}}});
  const std::string factor = graph.number(1 / std::sqrt(static_cast<double>(width)));
  const std::string scores = graph.add("Mul", {graph.add("MatMul", {q, turned}), factor});
  const std::string shares = graph.add("Softmax", {scores}, {{"axis", std::int64_t{-1}}});
  return graph.add("MatMul", {shares, v});
}

std::string add_plain_attention(OnnxGraph& graph, const TracedOp& op) {
  return add_attention(graph, op.inputs[0], op.inputs[1], op.inputs[2], op.shape(0)[3]);
}

/// A 0 in the shape of Reshape is the extent as it is.
std::string add_self_attention(OnnxGraph& graph, const TracedOp& op) {
  const auto heads = op.op.attribute<std::int64_t>("heads");
  const std::int64_t tokens = op.shape(0)[1];
  const std::int64_t width = op.shape(0)[2] / 3 / heads;
  const std::string parts = graph.add("Reshape", {op.inputs[0], graph.ints({0, tokens, 3, heads, width})});
  const std::string turned = graph.add("Transpose", {parts}, {{"perm", Ints{2, 0, 3, 1, 4}}});
  const auto part = [&](std::int64_t index) {
    const std::string one =
        graph.add("Slice", {turned, graph.ints({index}), graph.ints({index + 1}), graph.ints({0})});
    return graph.add("Squeeze", {one, graph.ints({0})});
  };
  const std::string y = add_attention(graph, part(0), part(1), part(2), width);
  const std::string rows = graph.add("Transpose", {y}, {{"perm", Ints{0, 2, 1, 3}}});
  return graph.add("Reshape", {rows, graph.ints({0, tokens, heads * width})});
}

/// Extents of a shape attribute; that of the batch is `batch`.
Ints free_of_batch(const TracedOp& op, std::int64_t batch) {
  Ints shape = ints_of(op, "shape");
  const Ints& other = op.in_other.attribute<Ints>("shape");
  int batches = 0;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == other[i]) continue;
    if (shape[i] * kOtherBatch != other[i] * kBatch || ++batches > 1)
      refuse(op, "its shape does not follow the batch");
    shape[i] = batch;
  }
  return shape;
}

std::string add_reshape(OnnxGraph& graph, const TracedOp& op) {
  return graph.add("Reshape", {op.inputs[0], graph.ints(free_of_batch(op, -1))});
}

std::string add_expand(OnnxGraph& graph, const TracedOp& op) {
  const Ints shape = free_of_batch(op, -1);
  const auto at = std::find(shape.begin(), shape.end(), -1);
  if (at == shape.end()) return graph.add("Expand", {op.inputs[0], graph.ints(shape)});
  if (ints_of(op, "shape")[static_cast<std::size_t>(at - shape.begin())] != kBatch)
    refuse(op, "its shape is a multiple of the batch");
  std::vector<std::string> parts;
  if (at != shape.begin()) parts.push_back(graph.ints({shape.begin(), at}));
  parts.push_back(graph.add("Shape", {kInput}, {{"start", std::int64_t{0}}, {"end", std::int64_t{1}}}));
  if (at + 1 != shape.end()) parts.push_back(graph.ints({at + 1, shape.end()}));
  return graph.add("Expand", {op.inputs[0], graph.add("Concat", parts, {{"axis", std::int64_t{0}}})});
}

std::string add_permute(OnnxGraph& graph, const TracedOp& op) {
  return graph.add("Transpose", op.inputs, {{"perm", ints_of(op, "axes")}});
}

std::string add_slice(OnnxGraph& graph, const TracedOp& op) {
  const auto begin = op.op.attribute<std::int64_t>("begin");
  const auto end = op.op.attribute<std::int64_t>("end");
  if (begin != op.in_other.attribute<std::int64_t>("begin") ||
      end != op.in_other.attribute<std::int64_t>("end"))
    refuse(op, "its ends follow the batch");
  const auto axis = op.op.attribute<std::int64_t>("axis");
  return graph.add("Slice", {op.inputs[0], graph.ints({begin}), graph.ints({end}), graph.ints({axis})});
}

std::string add_concat(OnnxGraph& graph, const TracedOp& op) {
  return graph.add("Concat", op.inputs, {{"axis", op.op.attribute<std::int64_t>("axis")}});
}

struct Form {
  std::string_view kind;
  std::string (*add)(OnnxGraph& graph, const TracedOp& op);
};

constexpr Form kForms[] = {
    {"conv2d", &add_convolution},
    {"linear", &add_linear},
    {"batch_norm", &add_batch_norm},
    {"layer_norm", &add_layer_norm},
    {"relu", &add_relu},
    {"gelu", &add_gelu},
    {"add", &add_sum},
    {"add_relu", &add_sum_relu},
    {"mul", &add_product},
    {"scale", &add_scale},
    {"softmax", &add_softmax},
    {"max_pool", &add_max_pool},
    {"average_pool", &add_average_pool},
    {"adaptive_average_pool", &add_adaptive_pool},
    {"attention", &add_plain_attention},
    {"self_attention", &add_self_attention},
    {"reshape", &add_reshape},
    {"expand", &add_expand},
    {"permute", &add_permute},
    {"slice", &add_slice},
    {"concat", &add_concat},
};

}  // namespace

std::string add_op(OnnxGraph& graph, const TracedOp& op) {
  const auto* const form = std::find_if(std::begin(kForms), std::end(kForms),
                                        [&](const Form& each) { return each.kind == op.op.kind; });
  if (form == std::end(kForms)) refuse(op);
  graph.set_layer(op.op.layer);
  return form->add(graph, op);
}

}  // namespace satsuma::exports

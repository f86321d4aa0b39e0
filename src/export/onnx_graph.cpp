#include "src/export/onnx_graph.hpp"

#include <fmt/core.h>

#include <bit>
#include <span>

namespace satsuma::exports {

namespace {

static_assert(std::endian::native == std::endian::little, "raw data is copied byte by byte");

template <typename T>
void set_raw(onnx::Tensor& tensor, std::span<const T> values) {
  tensor.set_raw_data(values.data(), values.size_bytes());
}

void fill(onnx::Attribute& attribute, const OnnxGraph::Attribute& from) {
  attribute.set_name(from.name);
  if (const auto* const whole = std::get_if<std::int64_t>(&from.value)) {
    attribute.set_type(onnx::Attribute::INT);
    attribute.set_i(*whole);
  } else if (const auto* const number = std::get_if<double>(&from.value)) {
    attribute.set_type(onnx::Attribute::FLOAT);
    attribute.set_f(static_cast<float>(*number));
  } else {
    attribute.set_type(onnx::Attribute::INTS);
    for (const std::int64_t value : std::get<OnnxGraph::Ints>(from.value)) attribute.add_ints(value);
  }
}

}  // namespace

std::string OnnxGraph::add(const char* type, const std::vector<std::string>& inputs,
                           const std::vector<Attribute>& attributes) {
  std::string name = layer_.empty() ? type : fmt::format("{}/{}", layer_, type);
  for (int i = 2; !names_.insert(name).second; ++i)
    name = fmt::format("{}{}{}_{}", layer_, layer_.empty() ? "" : "/", type, i);
  onnx::Node& node = *graph_.add_node();
  node.set_name(name);
  node.set_op_type(type);
  for (const std::string& input : inputs) node.add_input(input);
  node.add_output(name);
  for (const Attribute& attribute : attributes) fill(*node.add_attribute(), attribute);
  return name;
}

std::string OnnxGraph::tensor(const std::string& name, const Tensor& value) {
  if (!names_.insert(name).second) return name;
  const std::vector<float> values = value.to_vector<float>();
  onnx::Tensor& tensor = *graph_.add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(onnx::FLOAT);
  for (const std::int64_t extent : value.shape()) tensor.add_dims(extent);
  set_raw<float>(tensor, values);
  return name;
}

std::string OnnxGraph::ints(const Ints& values) {
  onnx::Tensor& tensor = *graph_.add_initializer();
  tensor.set_name(constant_name());
  tensor.set_data_type(onnx::INT64);
  tensor.add_dims(static_cast<std::int64_t>(values.size()));
  set_raw<std::int64_t>(tensor, values);
  return tensor.name();
}

std::string OnnxGraph::number(double value) {
  const auto single = static_cast<float>(value);
  onnx::Tensor& tensor = *graph_.add_initializer();
  tensor.set_name(constant_name());
  tensor.set_data_type(onnx::FLOAT);
  set_raw<float>(tensor, std::span(&single, 1));
  return tensor.name();
}

std::string OnnxGraph::matrix(std::int64_t rows, std::int64_t columns, const std::vector<float>& values) {
  return tensor(constant_name(), Tensor::from(values, {rows, columns}));
}

std::string OnnxGraph::constant_name() {
  return fmt::format("constant_{}", constants_++);
}

void OnnxGraph::rename(const std::string& from, const std::string& to) {
  for (onnx::Node& node : *graph_.mutable_node()) {
    for (std::string& input : *node.mutable_input()) {
      if (input == from) input = to;
    }
    for (std::string& output : *node.mutable_output()) {
      if (output == from) output = to;
    }
  }
}

}  // namespace satsuma::exports

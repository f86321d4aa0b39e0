#include "export/onnx_interpreter.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <functional>
#include <limits>
#include <numeric>

#include "satsuma/core/error.hpp"

namespace satsuma::testing {

namespace {

using Ints = std::vector<std::int64_t>;
using Inputs = std::vector<const OnnxValue*>;

std::int64_t count(const Ints& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

OnnxValue empty(Ints shape) {
  const auto size = static_cast<std::size_t>(count(shape));
  return {std::move(shape), std::vector<double>(size)};
}

Ints ints(const OnnxValue& value) {
  return {value.data.begin(), value.data.end()};
}

double& at(OnnxValue& value, std::int64_t i) {
  return value.data[static_cast<std::size_t>(i)];
}
double at(const OnnxValue& value, std::int64_t i) {
  return value.data[static_cast<std::size_t>(i)];
}

const onnx::Attribute* find(const onnx::Node& node, const char* name) {
  for (const onnx::Attribute& attribute : node.attribute()) {
    if (attribute.name() == name) return &attribute;
  }
  return nullptr;
}

std::int64_t whole(const onnx::Node& node, const char* name, std::int64_t otherwise) {
  const onnx::Attribute* const found = find(node, name);
  return found ? found->i() : otherwise;
}

Ints list(const onnx::Node& node, const char* name) {
  const onnx::Attribute* const found = find(node, name);
  if (!found) throw Error(node.op_type() + " lacks " + name);
  return {found->ints().begin(), found->ints().end()};
}

std::size_t axis_of(std::int64_t axis, std::size_t rank) {
  return static_cast<std::size_t>(axis < 0 ? axis + static_cast<std::int64_t>(rank) : axis);
}

/// Calls visit(index) for all indices of `shape` in row-major order.
void each(const Ints& shape, const std::function<void(const Ints&)>& visit) {
  Ints index(shape.size());
  for (std::int64_t i = 0; i < count(shape); ++i) {
    visit(index);
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      if (++index[axis] < shape[axis]) break;
      index[axis] = 0;
    }
  }
}

/// Place of `index`, aligned at the last axis, in an array that is repeated along axes of 1.
std::int64_t place(const Ints& shape, const Ints& index) {
  std::int64_t offset = 0;
  const std::size_t ahead = index.size() - shape.size();
  for (std::size_t axis = 0; axis < shape.size(); ++axis)
    offset = offset * shape[axis] + (shape[axis] == 1 ? 0 : index[axis + ahead]);
  return offset;
}

Ints broadcast(Ints a, Ints b) {
  if (a.size() < b.size()) a.swap(b);
  b.insert(b.begin(), a.size() - b.size(), 1);
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i] && a[i] != 1 && b[i] != 1) throw Error("shapes do not broadcast");
    a[i] = std::max(a[i], b[i]);
  }
  return a;
}

OnnxValue combine(const OnnxValue& a, const OnnxValue& b, const std::function<double(double, double)>& f) {
  OnnxValue y = empty(broadcast(a.shape, b.shape));
  std::int64_t i = 0;
  each(y.shape, [&](const Ints& index) {
    at(y, i++) = f(at(a, place(a.shape, index)), at(b, place(b.shape, index)));
  });
  return y;
}

OnnxValue each_of(const OnnxValue& x, const std::function<double(double)>& f) {
  OnnxValue y = x;
  for (double& value : y.data) value = f(value);
  return y;
}

OnnxValue matmul(const OnnxValue& a, const OnnxValue& b) {
  const std::size_t ra = a.shape.size(), rb = b.shape.size();
  const std::int64_t rows = a.shape[ra - 2], inner = a.shape[ra - 1], columns = b.shape[rb - 1];
  if (b.shape[rb - 2] != inner) throw Error("MatMul of other extents");
  const Ints ahead_a(a.shape.begin(), a.shape.end() - 2), ahead_b(b.shape.begin(), b.shape.end() - 2);
  const Ints ahead = broadcast(ahead_a, ahead_b);
  Ints shape = ahead;
  shape.insert(shape.end(), {rows, columns});
  OnnxValue y = empty(shape);
  std::int64_t matrix = 0;
  each(ahead, [&](const Ints& index) {
    const std::int64_t from_a = place(ahead_a, index) * rows * inner;
    const std::int64_t from_b = place(ahead_b, index) * inner * columns;
    for (std::int64_t i = 0; i < rows; ++i) {
      for (std::int64_t k = 0; k < inner; ++k) {
        for (std::int64_t j = 0; j < columns; ++j)
          at(y, (matrix * rows + i) * columns + j) +=
              at(a, from_a + i * inner + k) * at(b, from_b + k * columns + j);
      }
    }
    ++matrix;
  });
  return y;
}

OnnxValue gemm(const onnx::Node& node, const Inputs& in) {
  const std::int64_t n = in[0]->shape[0], d = in[0]->shape[1], k = in[1]->shape[0];
  if (whole(node, "transB", 0) != 1 || in[1]->shape[1] != d) throw Error("Gemm of another form");
  OnnxValue y = empty({n, k});
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t j = 0; j < k; ++j) {
      double sum = in.size() > 2 ? at(*in[2], j) : 0;
      for (std::int64_t x = 0; x < d; ++x) sum += at(*in[0], i * d + x) * at(*in[1], j * d + x);
      at(y, i * k + j) = sum;
    }
  }
  return y;
}

/// Sliding windows of [N, C, H, W].
struct Windows {
  Ints kernel, stride, pads, dilation = {1, 1};

  explicit Windows(const onnx::Node& node)
      : kernel(list(node, "kernel_shape")), stride(list(node, "strides")), pads(list(node, "pads")) {
    if (find(node, "dilations")) dilation = list(node, "dilations");
  }
  std::int64_t out(std::size_t axis, std::int64_t in) const {
    return (in + pads[axis] + pads[axis + 2] - dilation[axis] * (kernel[axis] - 1) - 1) / stride[axis] + 1;
  }
  /// Calls visit(r, s, h, w) for the taps of output (p, q) that are inside.
  template <typename F>
  void taps(std::int64_t p, std::int64_t q, std::int64_t height, std::int64_t width, F&& visit) const {
    for (std::int64_t r = 0; r < kernel[0]; ++r) {
      for (std::int64_t s = 0; s < kernel[1]; ++s) {
        const std::int64_t h = p * stride[0] - pads[0] + r * dilation[0];
        const std::int64_t w = q * stride[1] - pads[1] + s * dilation[1];
        if (h >= 0 && h < height && w >= 0 && w < width) visit(r, s, h, w);
      }
    }
  }
};

OnnxValue convolution(const onnx::Node& node, const Inputs& in) {
  const Windows windows(node);
  const Ints& x = in[0]->shape;
  const Ints& w = in[1]->shape;
  const std::int64_t group = whole(node, "group", 1);
  OnnxValue y = empty({x[0], w[0], windows.out(0, x[2]), windows.out(1, x[3])});
  std::int64_t i = 0;
  each(y.shape, [&](const Ints& index) {
    const std::int64_t k = index[1];
    const std::int64_t first = k / (w[0] / group) * w[1];
    double sum = in.size() > 2 ? at(*in[2], k) : 0;
    windows.taps(index[2], index[3], x[2], x[3],
                 [&](std::int64_t r, std::int64_t s, std::int64_t h, std::int64_t column) {
                   for (std::int64_t c = 0; c < w[1]; ++c) {
                     sum += at(*in[0], ((index[0] * x[1] + first + c) * x[2] + h) * x[3] + column) *
                            at(*in[1], ((k * w[1] + c) * w[2] + r) * w[3] + s);
                   }
                 });
    at(y, i++) = sum;
  });
  return y;
}

OnnxValue pool(const onnx::Node& node, const OnnxValue& from, bool largest) {
  const Windows windows(node);
  const Ints& x = from.shape;
  if (!largest && whole(node, "count_include_pad", 0) != 1) throw Error("AveragePool of another form");
  OnnxValue y = empty({x[0], x[1], windows.out(0, x[2]), windows.out(1, x[3])});
  std::int64_t i = 0;
  each(y.shape, [&](const Ints& index) {
    double result = largest ? -std::numeric_limits<double>::infinity() : 0;
    windows.taps(index[2], index[3], x[2], x[3],
                 [&](std::int64_t, std::int64_t, std::int64_t h, std::int64_t w) {
                   const double value = at(from, ((index[0] * x[1] + index[1]) * x[2] + h) * x[3] + w);
                   result = largest ? std::max(result, value) : result + value;
                 });
    at(y, i++) = largest ? result : result / static_cast<double>(windows.kernel[0] * windows.kernel[1]);
  });
  return y;
}

OnnxValue global_mean(const OnnxValue& x) {
  OnnxValue y = empty({x.shape[0], x.shape[1], 1, 1});
  const std::int64_t pixels = x.shape[2] * x.shape[3];
  for (std::int64_t i = 0; i < count(x.shape); ++i)
    at(y, i / pixels) += at(x, i) / static_cast<double>(pixels);
  return y;
}

double epsilon(const onnx::Node& node) {
  return static_cast<double>(find(node, "epsilon")->f());
}

OnnxValue batch_norm(const onnx::Node& node, const Inputs& in) {
  OnnxValue y = *in[0];
  const std::int64_t channels = y.shape[1];
  const std::int64_t pixels = count(y.shape) / y.shape[0] / channels;
  for (std::int64_t i = 0; i < count(y.shape); ++i) {
    const std::int64_t c = i / pixels % channels;
    at(y, i) =
        (at(y, i) - at(*in[3], c)) / std::sqrt(at(*in[4], c) + epsilon(node)) * at(*in[1], c) + at(*in[2], c);
  }
  return y;
}

OnnxValue layer_norm(const onnx::Node& node, const Inputs& in) {
  if (whole(node, "axis", -1) != -1) throw Error("LayerNormalization of another form");
  OnnxValue y = *in[0];
  const std::int64_t width = y.shape.back();
  for (std::int64_t row = 0; row < count(y.shape); row += width) {
    double mean = 0, variance = 0;
    for (std::int64_t i = 0; i < width; ++i) mean += at(y, row + i) / static_cast<double>(width);
    for (std::int64_t i = 0; i < width; ++i)
      variance += std::pow(at(y, row + i) - mean, 2) / static_cast<double>(width);
    for (std::int64_t i = 0; i < width; ++i)
      at(y, row + i) =
          (at(y, row + i) - mean) / std::sqrt(variance + epsilon(node)) * at(*in[1], i) + at(*in[2], i);
  }
  return y;
}

OnnxValue softmax(const onnx::Node& node, const OnnxValue& x) {
  OnnxValue y = x;
  if (axis_of(whole(node, "axis", -1), x.shape.size()) != x.shape.size() - 1)
    throw Error("Softmax of another axis");
  const std::int64_t width = x.shape.back();
  for (std::int64_t row = 0; row < count(x.shape); row += width) {
    const auto begin = y.data.begin() + row;
    const double most = *std::max_element(begin, begin + width);
    double sum = 0;
    for (std::int64_t i = 0; i < width; ++i) sum += at(y, row + i) = std::exp(at(y, row + i) - most);
    for (std::int64_t i = 0; i < width; ++i) at(y, row + i) /= sum;
  }
  return y;
}

OnnxValue reshape(const OnnxValue& x, Ints shape) {
  std::int64_t known = 1;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 0) shape[i] = x.shape[i];
    if (shape[i] > 0) known *= shape[i];
  }
  for (std::int64_t& extent : shape) {
    if (extent == -1) extent = count(x.shape) / known;
  }
  if (count(shape) != count(x.shape)) throw Error("Reshape to another size");
  return {shape, x.data};
}

OnnxValue transpose(const OnnxValue& x, const Ints& axes) {
  Ints shape;
  for (const std::int64_t axis : axes) shape.push_back(x.shape[static_cast<std::size_t>(axis)]);
  OnnxValue y = empty(shape);
  std::int64_t i = 0;
  each(shape, [&](const Ints& index) {
    Ints from(index.size());
    for (std::size_t axis = 0; axis < axes.size(); ++axis)
      from[static_cast<std::size_t>(axes[axis])] = index[axis];
    at(y, i++) = at(x, place(x.shape, from));
  });
  return y;
}

OnnxValue slice(const Inputs& in) {
  const std::size_t axis = axis_of(ints(*in[3])[0], in[0]->shape.size());
  const std::int64_t begin = ints(*in[1])[0];
  Ints shape = in[0]->shape;
  shape[axis] = ints(*in[2])[0] - begin;
  OnnxValue y = empty(shape);
  std::int64_t i = 0;
  each(shape, [&](const Ints& index) {
    Ints from = index;
    from[axis] += begin;
    // place() would take an axis of 1 for one that is repeated.
    std::int64_t offset = 0;
    for (std::size_t a = 0; a < from.size(); ++a) offset = offset * in[0]->shape[a] + from[a];
    at(y, i++) = at(*in[0], offset);
  });
  return y;
}

OnnxValue concat(const onnx::Node& node, const Inputs& in) {
  const std::size_t axis = axis_of(whole(node, "axis", 0), in[0]->shape.size());
  Ints shape = in[0]->shape;
  shape[axis] = 0;
  for (const OnnxValue* part : in) shape[axis] += part->shape[axis];
  OnnxValue y = empty(shape);
  std::int64_t i = 0;
  each(shape, [&](const Ints& index) {
    Ints from = index;
    std::size_t part = 0;
    while (from[axis] >= in[part]->shape[axis]) from[axis] -= in[part++]->shape[axis];
    at(y, i++) = at(*in[part], place(in[part]->shape, from));
  });
  return y;
}

OnnxValue squeeze(const OnnxValue& x, const Ints& axes) {
  Ints shape = x.shape;
  shape.erase(shape.begin() + axes.at(0));
  return {shape, x.data};
}

OnnxValue expand(const OnnxValue& x, const Ints& shape) {
  OnnxValue ones = empty(shape);
  return combine(x, ones, [](double a, double) { return a; });
}

OnnxValue run_node(const onnx::Node& node, const Inputs& in) {
  const std::string& type = node.op_type();
  if (type == "Conv") return convolution(node, in);
  if (type == "Gemm") return gemm(node, in);
  if (type == "MatMul") return matmul(*in[0], *in[1]);
  if (type == "Add") return combine(*in[0], *in[1], std::plus<>());
  if (type == "Mul") return combine(*in[0], *in[1], std::multiplies<>());
  if (type == "Relu") return each_of(*in[0], [](double x) { return std::max(x, 0.0); });
  if (type == "Erf") return each_of(*in[0], [](double x) { return std::erf(x); });
  if (type == "BatchNormalization") return batch_norm(node, in);
  if (type == "LayerNormalization") return layer_norm(node, in);
  if (type == "MaxPool") return pool(node, *in[0], true);
  if (type == "AveragePool") return pool(node, *in[0], false);
  if (type == "GlobalAveragePool") return global_mean(*in[0]);
  if (type == "Softmax") return softmax(node, *in[0]);
  if (type == "Reshape") return reshape(*in[0], ints(*in[1]));
  if (type == "Transpose") return transpose(*in[0], list(node, "perm"));
  if (type == "Slice") return slice(in);
  if (type == "Squeeze") return squeeze(*in[0], ints(*in[1]));
  if (type == "Concat") return concat(node, in);
  if (type == "Expand") return expand(*in[0], ints(*in[1]));
  if (type == "Identity") return *in[0];
  if (type == "Shape") {
    const auto begin = in[0]->shape.begin();
    const Ints extents(begin + whole(node, "start", 0), begin + whole(node, "end", 0));
    return {{static_cast<std::int64_t>(extents.size())}, {extents.begin(), extents.end()}};
  }
  throw Error("no operator " + type);
}

OnnxValue value_of(const onnx::Tensor& tensor) {
  OnnxValue value = empty({tensor.dims().begin(), tensor.dims().end()});
  const char* next = tensor.raw_data().data();
  const std::size_t size = tensor.data_type() == onnx::FLOAT ? sizeof(float) : sizeof(std::int64_t);
  if (tensor.raw_data().size() != size * value.data.size()) throw Error(tensor.name() + " has another size");
  for (double& number : value.data) {
    if (tensor.data_type() == onnx::FLOAT) {
      float single = 0;
      std::memcpy(&single, next, size);
      number = static_cast<double>(single);
    } else {
      std::int64_t integer = 0;
      std::memcpy(&integer, next, size);
      number = static_cast<double>(integer);
    }
    next += size;
  }
  return value;
}

}  // namespace

onnx::Model read_onnx(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  onnx::Model model;
  if (!model.ParseFromIstream(&file)) throw Error(path.string() + " is no ONNX file");
  return model;
}

OnnxValue run_onnx(const onnx::Model& model, const OnnxValue& input) {
  std::map<std::string, OnnxValue> values;
  values[model.graph().input(0).name()] = input;
  for (const onnx::Tensor& tensor : model.graph().initializer()) values[tensor.name()] = value_of(tensor);
  for (const onnx::Node& node : model.graph().node()) {
    Inputs inputs;
    for (const std::string& name : node.input()) inputs.push_back(&values.at(name));
    if (!values.emplace(node.output(0), run_node(node, inputs)).second) throw Error("two values of one name");
  }
  return values.at(model.graph().output(0).name());
}

}  // namespace satsuma::testing

#include "op_cases.hpp"

#include <cmath>
#include <limits>

#include "satsuma/ops/activation.hpp"
#include "satsuma/ops/arithmetic.hpp"
#include "satsuma/ops/attention.hpp"
#include "satsuma/ops/batch_norm.hpp"
#include "satsuma/ops/cross_entropy.hpp"
#include "satsuma/ops/dropout.hpp"
#include "satsuma/ops/layer_norm.hpp"
#include "satsuma/ops/pool.hpp"
#include "satsuma/ops/shape.hpp"
#include "satsuma/ops/softmax.hpp"

namespace satsuma::testing {

namespace {

using Arrays = std::vector<Array>;
using Tensors = std::vector<Tensor>;

template <typename F>
Array each(const Array& x, F f) {
  Array y = x;
  for (double& value : y.values) value = f(value);
  return y;
}

/// f(a, b) with NumPy's broadcasting, by index arithmetic on every element.
template <typename F>
Array broadcast_each(const Array& a, const Array& b, F f) {
  Array y(broadcast("test", a.shape, b.shape));
  const auto offset_in = [&](const Array& x, std::int64_t flat) {
    std::int64_t offset = 0;
    std::int64_t stride = 1;
    int own = x.shape.rank() - 1;
    for (int axis = y.shape.rank() - 1; axis >= 0; --axis, --own) {
      const std::int64_t index = flat % y.shape[axis];
      flat /= y.shape[axis];
      if (own < 0) continue;
      if (x.shape[own] != 1) offset += index * stride;
      stride *= x.shape[own];
    }
    return static_cast<std::size_t>(offset);
  };
  for (std::int64_t i = 0; i < y.shape.numel(); ++i) {
    y.values[static_cast<std::size_t>(i)] = f(a.values[offset_in(a, i)], b.values[offset_in(b, i)]);
  }
  return y;
}

double plain_relu(double x) {
  return x > 0 ? x : 0;
}

Array plain_batch_norm(const Array& input, const Array& gamma, const Array& beta) {
  Array x = input;
  const Shape shape = x.shape;
  if (shape.rank() == 2) x.shape = {shape[0], shape[1], 1, 1};
  Array y = x;
  const double count = static_cast<double>(x.dim(0) * x.dim(2) * x.dim(3));
  for (std::int64_t c = 0; c < x.dim(1); ++c) {
    const auto sum_over = [&](auto&& f) {
      double sum = 0;
      for (std::int64_t n = 0; n < x.dim(0); ++n)
        for (std::int64_t h = 0; h < x.dim(2); ++h)
          for (std::int64_t w = 0; w < x.dim(3); ++w) sum += f(n, h, w);
      return sum;
    };
    const double mean = sum_over([&](auto n, auto h, auto w) { return x.at({n, c, h, w}); }) / count;
    const double var = sum_over([&](auto n, auto h, auto w) {
                         return std::pow(x.at({n, c, h, w}) - mean, 2);
                       }) /
                       count;
    sum_over([&](auto n, auto h, auto w) {
      y.at({n, c, h, w}) = gamma.at({c}) * (x.at({n, c, h, w}) - mean) / std::sqrt(var + 1e-5) + beta.at({c});
      return 0.0;
    });
  }
  y.shape = shape;
  return y;
}

Array plain_layer_norm(const Array& x, const Array& gamma, const Array& beta) {
  Array y = x;
  const auto width = static_cast<std::size_t>(x.shape[x.shape.rank() - 1]);
  for (std::size_t row = 0; row < x.values.size(); row += width) {
    double mean = 0;
    double var = 0;
    for (std::size_t i = 0; i < width; ++i) mean += x.values[row + i] / static_cast<double>(width);
    for (std::size_t i = 0; i < width; ++i)
      var += std::pow(x.values[row + i] - mean, 2) / static_cast<double>(width);
    for (std::size_t i = 0; i < width; ++i) {
      y.values[row + i] =
          gamma.values[i] * (x.values[row + i] - mean) / std::sqrt(var + 1e-6) + beta.values[i];
    }
  }
  return y;
}

/// Reduces each window with `combine(accumulator, value)`, then `finish(accumulator, elements inside the
/// image)`.
template <typename Combine, typename Finish>
Array plain_pool(const Array& x, const ops::PoolWindow& w, double start, Combine combine, Finish finish) {
  const auto out = [&](std::size_t i) {
    return (x.dim(static_cast<int>(i) + 2) + 2 * w.padding[i] - w.kernel[i]) / w.stride[i] + 1;
  };
  Array y(Shape{x.dim(0), x.dim(1), out(0), out(1)});
  for (std::int64_t n = 0; n < y.dim(0); ++n)
    for (std::int64_t c = 0; c < y.dim(1); ++c)
      for (std::int64_t p = 0; p < y.dim(2); ++p)
        for (std::int64_t q = 0; q < y.dim(3); ++q) {
          double value = start;
          for (std::int64_t r = 0; r < w.kernel[0]; ++r)
            for (std::int64_t s = 0; s < w.kernel[1]; ++s) {
              const std::int64_t row = p * w.stride[0] + r - w.padding[0];
              const std::int64_t column = q * w.stride[1] + s - w.padding[1];
              if (row < 0 || row >= x.dim(2) || column < 0 || column >= x.dim(3)) continue;
              value = combine(value, x.at({n, c, row, column}));
            }
          y.at({n, c, p, q}) = finish(value);
        }
  return y;
}

Array plain_adaptive(const Array& x, std::int64_t height, std::int64_t width) {
  Array y(Shape{x.dim(0), x.dim(1), height, width});
  const auto begin = [](std::int64_t i, std::int64_t size, std::int64_t out) {
    return static_cast<std::int64_t>(std::floor(static_cast<double>(i * size) / static_cast<double>(out)));
  };
  const auto end = [](std::int64_t i, std::int64_t size, std::int64_t out) {
    return static_cast<std::int64_t>(
        std::ceil(static_cast<double>((i + 1) * size) / static_cast<double>(out)));
  };
  for (std::int64_t n = 0; n < y.dim(0); ++n)
    for (std::int64_t c = 0; c < y.dim(1); ++c)
      for (std::int64_t p = 0; p < height; ++p)
        for (std::int64_t q = 0; q < width; ++q) {
          double sum = 0;
          int count = 0;
          for (std::int64_t h = begin(p, x.dim(2), height); h < end(p, x.dim(2), height); ++h)
            for (std::int64_t w = begin(q, x.dim(3), width); w < end(q, x.dim(3), width); ++w, ++count) {
              sum += x.at({n, c, h, w});
            }
          y.at({n, c, p, q}) = sum / count;
        }
  return y;
}

Array plain_softmax(const Array& x, int axis) {
  Array y = x;
  std::int64_t inside = 1;
  for (int i = axis + 1; i < x.shape.rank(); ++i) inside *= x.shape[i];
  const std::int64_t length = x.shape[axis];
  const auto index = [&](std::int64_t row, std::int64_t i) {
    return static_cast<std::size_t>(row / inside * length * inside + i * inside + row % inside);
  };
  for (std::int64_t row = 0; row < x.shape.numel() / length; ++row) {
    double sum = 0;
    for (std::int64_t i = 0; i < length; ++i) sum += std::exp(x.values[index(row, i)]);
    for (std::int64_t i = 0; i < length; ++i)
      y.values[index(row, i)] = std::exp(x.values[index(row, i)]) / sum;
  }
  return y;
}

Array plain_attention(const Array& q, const Array& k, const Array& v) {
  Array y(q.shape);
  Array scores(Shape{1, k.dim(2)});
  for (std::int64_t n = 0; n < q.dim(0); ++n)
    for (std::int64_t h = 0; h < q.dim(1); ++h)
      for (std::int64_t t = 0; t < q.dim(2); ++t) {
        for (std::int64_t s = 0; s < k.dim(2); ++s) {
          scores.at({0, s}) = 0;
          for (std::int64_t x = 0; x < q.dim(3); ++x)
            scores.at({0, s}) += q.at({n, h, t, x}) * k.at({n, h, s, x});
          scores.at({0, s}) /= std::sqrt(static_cast<double>(q.dim(3)));
        }
        const Array p = plain_softmax(scores, 1);
        for (std::int64_t s = 0; s < k.dim(2); ++s)
          for (std::int64_t x = 0; x < q.dim(3); ++x) y.at({n, h, t, x}) += p.at({0, s}) * v.at({n, h, s, x});
      }
  return y;
}

std::vector<std::int64_t> some_labels(std::int64_t batch, std::int64_t classes) {
  std::vector<std::int64_t> labels;
  for (std::int64_t n = 0; n < batch; ++n) labels.push_back((n * 7 + 3) % classes);
  return labels;
}

Array plain_cross_entropy(const Array& x, double smoothing) {
  const Array p = plain_softmax(x, 1);
  const std::vector<std::int64_t> labels = some_labels(x.dim(0), x.dim(1));
  Array loss(Shape{});
  for (std::int64_t n = 0; n < x.dim(0); ++n) {
    double uniform = 0;
    for (std::int64_t c = 0; c < x.dim(1); ++c)
      uniform -= std::log(p.at({n, c})) / static_cast<double>(x.dim(1));
    const double own = -std::log(p.at({n, labels[static_cast<std::size_t>(n)]}));
    loss.values[0] += ((1 - smoothing) * own + smoothing * uniform) / static_cast<double>(x.dim(0));
  }
  return loss;
}

Tensor cross_entropy(const Tensor& logits, double smoothing) {
  return ops::cross_entropy(logits, Tensor::from(some_labels(logits.dim(0), logits.dim(1)), {logits.dim(0)}),
                            smoothing);
}

/// Shares of the classes, each above zero, that sum to one.
Array some_shares(std::int64_t batch, std::int64_t classes) {
  Array shares(Shape{batch, classes});
  for (std::int64_t n = 0; n < batch; ++n) {
    double sum = 0;
    for (std::int64_t c = 0; c < classes; ++c)
      sum += shares.at({n, c}) = static_cast<double>(1 + (n + 3 * c) % 5);
    for (std::int64_t c = 0; c < classes; ++c) shares.at({n, c}) /= sum;
  }
  return shares;
}

/// Weights of classes, one of them 0.
std::vector<double> some_weights(std::int64_t classes) {
  std::vector<double> weights;
  for (std::int64_t c = 0; c < classes; ++c) weights.push_back(0.5 * static_cast<double>((c + 2) % classes));
  return weights;
}

/// PyTorch's definition, by its formula.
Array plain_weighted_cross_entropy(const Array& x, bool soft, double smoothing) {
  const Array p = plain_softmax(x, 1);
  const std::int64_t classes = x.dim(1);
  const std::vector<double> weights = some_weights(classes);
  const std::vector<std::int64_t> labels = some_labels(x.dim(0), classes);
  const Array shares = some_shares(x.dim(0), classes);
  Array loss(Shape{});
  double divisor = 0;
  for (std::int64_t n = 0; n < x.dim(0); ++n) {
    const std::int64_t label = labels[static_cast<std::size_t>(n)];
    divisor += soft ? 1 : weights[static_cast<std::size_t>(label)];
    for (std::int64_t c = 0; c < classes; ++c) {
      const double share = soft ? shares.at({n, c}) : c == label ? 1 : 0;
      loss.values[0] -= (share * (1 - smoothing) + smoothing / static_cast<double>(classes)) *
                        weights[static_cast<std::size_t>(c)] * std::log(p.at({n, c}));
    }
  }
  loss.values[0] /= divisor;
  return loss;
}

Tensor weighted_cross_entropy(const Tensor& logits, bool soft, double smoothing) {
  const std::int64_t batch = logits.dim(0), classes = logits.dim(1);
  const Tensor targets = soft ? Tensor::from(some_shares(batch, classes).values, {batch, classes})
                              : Tensor::from(some_labels(batch, classes), {batch});
  return ops::cross_entropy(logits, targets, smoothing, Tensor::from(some_weights(classes), {classes}));
}

void add_arithmetic(std::vector<OpCase>& cases) {
  const Shape image = {kBatch, 5, 3, 4};
  cases.push_back({"relu",
                   {image},
                   [](const Tensors& in) { return ops::relu(in[0]); },
                   [](const Arrays& in) { return each(in[0], plain_relu); }});
  cases.push_back({"relu of a vector",
                   {{11}},
                   [](const Tensors& in) { return ops::relu(in[0]); },
                   [](const Arrays& in) { return each(in[0], plain_relu); }});
  cases.push_back({"gelu",
                   {{kBatch, 3, 7}},
                   [](const Tensors& in) { return ops::gelu(in[0]); },
                   [](const Arrays& in) {
                     return each(in[0], [](double x) { return x / 2 * (1 + std::erf(x / std::sqrt(2.0))); });
                   }});
  cases.push_back({"scale",
                   {image},
                   [](const Tensors& in) { return ops::scale(in[0], -0.125); },
                   [](const Arrays& in) { return each(in[0], [](double x) { return -0.125 * x; }); }});
  cases.push_back({"add_relu",
                   {image, image},
                   [](const Tensors& in) { return ops::add_relu(in[0], in[1]); },
                   [](const Arrays& in) {
                     return each(broadcast_each(in[0], in[1], [](double a, double b) { return a + b; }),
                                 plain_relu);
                   }});
  const std::vector<std::vector<Shape>> pairs = {{image, image},
                                                 {image, {5, 1, 1}},
                                                 {{1, 5, 3, 4}, image},
                                                 {image, {kBatch, 5, 1, 1}},
                                                 {{kBatch, 1, 3, 1}, {5, 1, 4}},
                                                 {{kBatch, 3, 6}, {1, 3, 6}},
                                                 {{kBatch, 3, 6}, {6}},
                                                 {{kBatch, 4}, {kBatch, 1}},
                                                 {{kBatch, 4}, {}},
                                                 {{kBatch, 2, 1, 3, 2}, {4, 1, 2}},
                                                 {{6}, {1}},
                                                 {{3, 1}, {4}}};
  for (const auto& shapes : pairs) {
    const std::string of = " of " + to_string(shapes[0]) + " and " + to_string(shapes[1]);
    cases.push_back({"add" + of, shapes, [](const Tensors& in) { return ops::add(in[0], in[1]); },
                     [](const Arrays& in) {
                       return broadcast_each(in[0], in[1], [](double a, double b) { return a + b; });
                     }});
    cases.push_back({"mul" + of, shapes, [](const Tensors& in) { return ops::mul(in[0], in[1]); },
                     [](const Arrays& in) {
                       return broadcast_each(in[0], in[1], [](double a, double b) { return a * b; });
                     }});
  }
}

void add_norms(std::vector<OpCase>& cases) {
  // Shapes with one chunk of pixels and several, few channels and more than one stripe of them.
  for (const Shape& shape :
       {Shape{kBatch, 5, 3, 4}, Shape{kBatch, 3, 9, 9}, Shape{kBatch, 67, 2, 1}, Shape{kBatch, 6}}) {
    const std::vector<Shape> with_vectors = {shape, {shape[1]}, {shape[1]}};
    const std::vector<Shape> with_residual = {shape, {shape[1]}, {shape[1]}, shape};
    const std::int64_t least = shape.rank() == 2 ? 7 : 1;
    const std::string of = " of " + to_string(shape);
    cases.push_back({"batch_norm" + of, with_vectors,
                     [](const Tensors& in) { return ops::batch_norm(in[0], in[1], in[2], {}, {}, true); },
                     [](const Arrays& in) { return plain_batch_norm(in[0], in[1], in[2]); }, least});
    cases.push_back({"batch_norm, relu" + of, with_vectors,
                     [](const Tensors& in) {
                       return ops::batch_norm_act(in[0], in[1], in[2], {}, {}, true, 0.1, 1e-5, true);
                     },
                     [](const Arrays& in) { return each(plain_batch_norm(in[0], in[1], in[2]), plain_relu); },
                     least});
    for (const bool relu : {false, true}) {
      cases.push_back({(relu ? "batch_norm, residual, relu" : "batch_norm, residual") + of, with_residual,
                       [relu](const Tensors& in) {
                         return ops::batch_norm_act(in[0], in[1], in[2], {}, {}, true, 0.1, 1e-5, relu,
                                                    in[3]);
                       },
                       [relu](const Arrays& in) {
                         const Array sum = broadcast_each(plain_batch_norm(in[0], in[1], in[2]), in[3],
                                                          [](double a, double b) { return a + b; });
                         return relu ? each(sum, plain_relu) : sum;
                       },
                       least});
    }
  }
  cases.push_back({"batch_norm with running statistics, relu",
                   {{kBatch, 5, 3, 4}, {5}, {5}, {kBatch, 5, 3, 4}},
                   [](const Tensors& in) {
                     const Tensor mean = Tensor::full({5}, 0.25, in[0].dtype());
                     const Tensor var = Tensor::full({5}, 1.5, in[0].dtype());
                     return ops::batch_norm_act(in[0], in[1], in[2], mean, var, false, 0.1, 1e-5, true,
                                                in[3]);
                   },
                   [](const Arrays& in) {
                     Array y = in[0];
                     for (std::size_t i = 0; i < y.values.size(); ++i) {
                       const std::size_t c = i / 12 % 5;
                       const double normal = (in[0].values[i] - 0.25) / std::sqrt(1.5 + 1e-5);
                       y.values[i] = plain_relu(in[1].values[c] * normal + in[2].values[c] + in[3].values[i]);
                     }
                     return y;
                   }});
  for (const Shape& shape : {Shape{kBatch, 3, 13}, Shape{kBatch, 70, 4}, Shape{kBatch, 9}}) {
    const std::int64_t width = shape[shape.rank() - 1];
    cases.push_back({"layer_norm of " + to_string(shape),
                     {shape, {width}, {width}},
                     [](const Tensors& in) { return ops::layer_norm(in[0], in[1], in[2], 1e-6); },
                     [](const Arrays& in) { return plain_layer_norm(in[0], in[1], in[2]); }});
  }
}

void add_pools(std::vector<OpCase>& cases) {
  const std::vector<ops::PoolWindow> windows = {{{2, 2}, {2, 2}, {0, 0}}, {{3, 3}, {2, 2}, {1, 1}},
                                                {{3, 2}, {1, 3}, {1, 0}}, {{7, 9}, {1, 1}, {0, 0}},
                                                {{1, 1}, {2, 2}, {0, 0}}, {{5, 3}, {3, 1}, {2, 1}}};
  for (const auto& w : windows) {
    const auto of = [&](const char* op) {
      return std::string(op) + " of kernel " + std::to_string(w.kernel[0]) + "x" +
             std::to_string(w.kernel[1]);
    };
    for (const std::int64_t channels : {3, 35}) {
      const Shape image = {kBatch, channels, 7, 9};
      cases.push_back({of("max_pool"),
                       {image},
                       [w](const Tensors& in) { return ops::max_pool(in[0], w); },
                       [w](const Arrays& in) {
                         return plain_pool(
                             in[0], w, -std::numeric_limits<double>::infinity(),
                             [](double a, double b) { return std::max(a, b); }, [](double a) { return a; });
                       },
                       1,
                       true});
    }
    cases.push_back({of("average_pool"),
                     {{kBatch, 3, 7, 9}},
                     [w](const Tensors& in) { return ops::average_pool(in[0], w); },
                     [w](const Arrays& in) {
                       const double taps = static_cast<double>(w.kernel[0] * w.kernel[1]);
                       return plain_pool(
                           in[0], w, 0.0, [](double a, double b) { return a + b; },
                           [taps](double a) { return a / taps; });
                     }});
  }
  for (const std::array<std::int64_t, 2>& size :
       {std::array<std::int64_t, 2>{1, 1}, {3, 4}, {7, 9}, {10, 2}}) {
    cases.push_back(
        {"adaptive_average_pool to " + std::to_string(size[0]) + "x" + std::to_string(size[1]),
         {{kBatch, 3, 7, 9}},
         [size](const Tensors& in) { return ops::adaptive_average_pool(in[0], size[0], size[1]); },
         [size](const Arrays& in) { return plain_adaptive(in[0], size[0], size[1]); }});
  }
}

void add_shapes(std::vector<OpCase>& cases) {
  const auto same_order = [](const Arrays& in) { return in[0]; };
  cases.push_back({"reshape, split",
                   {{kBatch, 4, 6}},
                   [](const Tensors& in) {
                     return ops::reshape(in[0], {in[0].dim(0), 2, 2, 3, 2});
                   },
                   same_order});
  cases.push_back({"reshape, tokens",
                   {{kBatch, 4, 3, 2}},
                   [](const Tensors& in) {
                     return ops::reshape(in[0], {in[0].dim(0), 4, -1});
                   },
                   same_order});
  cases.push_back({"reshape, the batch too",
                   {{kBatch, 4, 3}},
                   [](const Tensors& in) {
                     return ops::reshape(in[0], {-1, 3});
                   },
                   same_order});
  cases.push_back(
      {"flatten", {{kBatch, 4, 3, 2}}, [](const Tensors& in) { return ops::flatten(in[0]); }, same_order});
  for (const std::vector<int>& axes : {std::vector<int>{0, 2, 3, 1}, {0, 3, 1, 2}, {1, 0, 2, 3}}) {
    cases.push_back({"permute, batch to axis " + std::to_string(axes[0]),
                     {{kBatch, 2, 3, 4}},
                     [axes](const Tensors& in) { return ops::permute(in[0], axes); },
                     [axes](const Arrays& in) {
                       const Array& x = in[0];
                       const auto a = [&](int i) { return axes[static_cast<std::size_t>(i)]; };
                       Array y(Shape{x.dim(a(0)), x.dim(a(1)), x.dim(a(2)), x.dim(a(3))});
                       std::array<std::int64_t, 4> i{};
                       std::size_t flat = 0;
                       const auto at = [&](int axis) -> std::int64_t& {
                         return i[static_cast<std::size_t>(axis)];
                       };
                       for (at(a(0)) = 0; at(a(0)) < y.dim(0); ++at(a(0)))
                         for (at(a(1)) = 0; at(a(1)) < y.dim(1); ++at(a(1)))
                           for (at(a(2)) = 0; at(a(2)) < y.dim(2); ++at(a(2)))
                             for (at(a(3)) = 0; at(a(3)) < y.dim(3); ++at(a(3)))
                               y.values[flat++] = x.at({i[0], i[1], i[2], i[3]});
                       return y;
                     }});
  }
  for (const Shape& from : {Shape{4}, Shape{1, 3, 1}, Shape{2, 1, 4}, Shape{}}) {
    cases.push_back({"expand of " + to_string(from),
                     {from},
                     [](const Tensors& in) {
                       return ops::expand(in[0], {2, 3, 4});
                     },
                     [](const Arrays& in) {
                       return broadcast_each(in[0], Array(Shape{2, 3, 4}),
                                             [](double a, double zero) { return a + zero; });
                     }});
  }
  cases.push_back({"slice of channels",
                   {{kBatch, 5, 3, 2}},
                   [](const Tensors& in) { return ops::slice(in[0], 1, 1, 4); },
                   [](const Arrays& in) {
                     Array y(Shape{in[0].dim(0), 3, 3, 2});
                     for (std::int64_t n = 0; n < y.dim(0); ++n)
                       for (std::int64_t i = 0; i < 18; ++i) {
                         y.values[static_cast<std::size_t>(n * 18 + i)] =
                             in[0].values[static_cast<std::size_t>(n * 30 + 6 + i)];
                       }
                     return y;
                   }});
  cases.push_back({"slice of the batch",
                   {{kBatch, 3}},
                   [](const Tensors& in) { return ops::slice(in[0], 0, 3, in[0].dim(0) - 1); },
                   [](const Arrays& in) {
                     Array y(Shape{in[0].dim(0) - 4, 3});
                     std::copy(in[0].values.begin() + 9, in[0].values.end() - 3, y.values.begin());
                     return y;
                   },
                   7});
  const auto joined = [](std::int64_t inside) {
    return [inside](const Arrays& in) {
      const std::int64_t a = in[0].dim(1) * inside;
      const std::int64_t b = in[1].dim(1) * inside;
      Shape shape = in[0].shape;
      shape[1] += in[1].dim(1);
      Array y(shape);
      for (std::int64_t n = 0; n < y.dim(0); ++n) {
        std::copy_n(in[0].values.begin() + n * a, a, y.values.begin() + n * (a + b));
        std::copy_n(in[1].values.begin() + n * b, b, y.values.begin() + n * (a + b) + a);
      }
      return y;
    };
  };
  cases.push_back({"concat of tokens",
                   {{kBatch, 1, 4}, {kBatch, 3, 4}},
                   [](const Tensors& in) { return ops::concat(in, 1); },
                   joined(4)});
  cases.push_back({"concat of channels",
                   {{kBatch, 2, 3, 2}, {kBatch, 5, 3, 2}},
                   [](const Tensors& in) { return ops::concat(in, -3); },
                   joined(6)});
  cases.push_back({"concat of batches",
                   {{kBatch, 3}, {5, 3}},
                   [](const Tensors& in) { return ops::concat(in, 0); },
                   [](const Arrays& in) {
                     Array y(Shape{in[0].dim(0) + 5, 3});
                     std::copy(in[1].values.begin(), in[1].values.end(),
                               std::copy(in[0].values.begin(), in[0].values.end(), y.values.begin()));
                     return y;
                   }});
}

void add_attention_and_losses(std::vector<OpCase>& cases) {
  cases.push_back({"softmax of classes",
                   {{kBatch, 10}},
                   [](const Tensors& in) { return ops::softmax(in[0]); },
                   [](const Arrays& in) { return plain_softmax(in[0], 1); }});
  for (const int axis : {1, 2, 3}) {
    cases.push_back({"softmax along axis " + std::to_string(axis),
                     {{kBatch, 3, 4, 5}},
                     [axis](const Tensors& in) { return ops::softmax(in[0], axis); },
                     [axis](const Arrays& in) { return plain_softmax(in[0], axis); }});
  }
  const auto plain = [](const Arrays& in) { return plain_attention(in[0], in[1], in[2]); };
  const auto attend = [](const Tensors& in) { return ops::attention(in[0], in[1], in[2]); };
  // More queries than one strip of rows, extents that leave each tile of registers ragged.
  cases.push_back({"attention", {{kBatch, 2, 19, 5}, {kBatch, 2, 19, 5}, {kBatch, 2, 19, 5}}, attend, plain});
  cases.push_back(
      {"attention across", {{kBatch, 1, 4, 7}, {kBatch, 1, 6, 7}, {kBatch, 1, 6, 7}}, attend, plain});
  cases.push_back(
      {"attention of one token", {{kBatch, 3, 1, 2}, {kBatch, 3, 1, 2}, {kBatch, 3, 1, 2}}, attend, plain});
  const auto plain_self = [](const Arrays& in) {
    const std::int64_t n = in[0].dim(0);
    std::vector<Array> parts(3, Array(Shape{n, 2, 5, 2}));
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t t = 0; t < 5; ++t)
        for (std::int64_t j = 0; j < 12; ++j) {
          parts[static_cast<std::size_t>(j / 4)].at({i, j / 2 % 2, t, j % 2}) = in[0].at({i, t, j});
        }
    const Array heads = plain_attention(parts[0], parts[1], parts[2]);
    Array y(Shape{n, 5, 4});
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t t = 0; t < 5; ++t)
        for (std::int64_t j = 0; j < 4; ++j) y.at({i, t, j}) = heads.at({i, j / 2, t, j % 2});
    return y;
  };
  cases.push_back({"attention through views",
                   {{kBatch, 5, 12}},
                   [](const Tensors& in) {
                     const std::int64_t n = in[0].dim(0);
                     const auto heads = [&](std::int64_t part) {
                       const Tensor own = ops::slice(in[0], 2, part * 4, part * 4 + 4);
                       return ops::permute(ops::reshape(own, {n, 5, 2, 2}), {0, 2, 1, 3});
                     };
                     const Tensor y = ops::attention(heads(0), heads(1), heads(2));
                     return ops::reshape(ops::permute(y, {0, 2, 1, 3}), {n, 5, 4});
                   },
                   plain_self});
  cases.push_back({"self-attention",
                   {{kBatch, 5, 12}},
                   [](const Tensors& in) { return ops::self_attention(in[0], 2); },
                   plain_self});
  for (const double smoothing : {0.0, 0.1, 1.0}) {
    cases.push_back({"cross_entropy, smoothing " + std::to_string(smoothing),
                     {{kBatch, 10}},
                     [smoothing](const Tensors& in) { return cross_entropy(in[0], smoothing); },
                     [smoothing](const Arrays& in) { return plain_cross_entropy(in[0], smoothing); }});
  }
  for (const bool soft : {false, true}) {
    for (const double smoothing : {0.0, 0.1}) {
      cases.push_back(
          {std::string("cross_entropy, weighted, ") + (soft ? "soft targets" : "labels") + ", smoothing " +
               std::to_string(smoothing),
           {{kBatch, 10}},
           [=](const Tensors& in) { return weighted_cross_entropy(in[0], soft, smoothing); },
           [=](const Arrays& in) { return plain_weighted_cross_entropy(in[0], soft, smoothing); }});
    }
  }
  cases.push_back({"dropout in evaluation",
                   {{kBatch, 5}},
                   [](const Tensors& in) {
                     Rng rng(1);
                     return ops::scale(ops::dropout(in[0], 0.5, false, rng), 1.0);
                   },
                   [](const Arrays& in) { return in[0]; }});
}

}  // namespace

const std::vector<OpCase>& op_cases() {
  static const std::vector<OpCase> cases = [] {
    std::vector<OpCase> all;
    add_arithmetic(all);
    add_norms(all);
    add_pools(all);
    add_shapes(all);
    add_attention_and_losses(all);
    return all;
  }();
  return cases;
}

std::vector<Tensor> OpCase::inputs(std::int64_t batch, DType dtype, MemoryFormat format) const {
  std::vector<Tensor> result;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    Shape shape;
    for (const std::int64_t extent : shapes[i]) shape.push_back(extent == kBatch ? batch : extent);
    const MemoryFormat own = shape.rank() >= 2 ? format : MemoryFormat::row_major;
    result.push_back((distinct ? distinct_tensor(shape, 40 + i, DType::f64, own)
                               : random_tensor(shape, 40 + i, DType::f64, own))
                         .to(dtype));
  }
  return result;
}

}  // namespace satsuma::testing

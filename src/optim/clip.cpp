#include "satsuma/optim/clip.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "satsuma/core/error.hpp"
#include "satsuma/core/parallel.hpp"

namespace satsuma::optim {

namespace {

constexpr double kLeastGradient = 1e-6;  // as PyTorch and timm have it
constexpr double kLeastWeight = 1e-3;
constexpr std::int64_t kChunk = std::int64_t{1} << 16;

/// Elements of a row-major tensor in rows along axis 0; a vector is one row.
struct Rows {
  explicit Rows(const Tensor& tensor)
      : count(tensor.rank() > 1 ? tensor.dim(0) : 1), length(count > 0 ? tensor.numel() / count : 0) {}
  std::int64_t count;
  std::int64_t length;
};

/// The gradient under `f`, which is given each element, in a tensor of its own: gradients may share their
/// elements with others.
template <typename F>
Tensor mapped(const Tensor& grad, F&& f) {
  Tensor result = Tensor::empty_like(grad);
  const Tensor ordered = grad.in_layout_of(result);
  dispatch_real("clip", grad.dtype(), [&](auto element) {
    using T = decltype(element);
    const T* const from = ordered.data<T>();
    T* const to = result.data<T>();
    parallel_for(result.extent(), 1 << 14, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) to[i] = f(from[i]);
    });
  });
  return result;
}

template <typename T>
double sum_of_squares(const T* values, std::int64_t count) {
  double sum = 0;
  for (std::int64_t i = 0; i < count; ++i)
    sum += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  return sum;
}

double sum_of_squares(const Tensor& grad) {
  const Tensor rows = grad.to(MemoryFormat::row_major);
  const std::int64_t chunks = (rows.numel() + kChunk - 1) / kChunk;
  std::vector<double> sums(static_cast<std::size_t>(chunks));
  dispatch_real("clip", rows.dtype(), [&](auto element) {
    using T = decltype(element);
    const T* const values = std::as_const(rows).data<T>();
    parallel_for(chunks, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t c = begin; c < end; ++c) {
        sums[static_cast<std::size_t>(c)] =
            sum_of_squares(values + c * kChunk, std::min(kChunk, rows.numel() - c * kChunk));
      }
    });
  });
  double sum = 0;
  for (const double part : sums) sum += part;
  return sum;
}

template <typename Visit>
void each_gradient(const std::vector<nn::Parameter>& parameters, Visit&& visit) {
  for (const nn::Parameter& parameter : parameters) {
    if (const Tensor grad = parameter.value.grad(); grad.defined()) visit(parameter, grad);
  }
}

double clip_norm(const std::vector<nn::Parameter>& parameters, double limit) {
  double sum = 0;
  each_gradient(parameters, [&](const nn::Parameter&, const Tensor& grad) { sum += sum_of_squares(grad); });
  const double norm = std::sqrt(sum);
  const double factor = limit / (norm + kLeastGradient);
  if (factor < 1) scale_gradients(parameters, factor);
  return norm;
}

void clip_value(const std::vector<nn::Parameter>& parameters, double limit) {
  each_gradient(parameters, [&](const nn::Parameter& parameter, const Tensor& grad) {
    parameter.value.set_grad(mapped(grad, [&]<typename T>(T value) {
      return std::clamp(value, static_cast<T>(-limit), static_cast<T>(limit));
    }));
  });
}

void clip_adaptively(const std::vector<nn::Parameter>& parameters, double limit) {
  each_gradient(parameters, [&](const nn::Parameter& parameter, const Tensor& grad) {
    const Tensor weight = parameter.value.to(MemoryFormat::row_major);
    Tensor result = Tensor::empty(grad.shape(), grad.dtype());
    const Tensor ordered = grad.to(MemoryFormat::row_major);
    const Rows rows(ordered);
    dispatch_real("clip", grad.dtype(), [&](auto element) {
      using T = decltype(element);
      const T* const w = std::as_const(weight).data<T>();
      const T* const from = std::as_const(ordered).data<T>();
      T* const to = result.data<T>();
      parallel_for(rows.count, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t r = begin; r < end; ++r) {
          const std::int64_t at = r * rows.length;
          const double longest =
              limit * std::max(std::sqrt(sum_of_squares(w + at, rows.length)), kLeastWeight);
          const double norm = std::sqrt(sum_of_squares(from + at, rows.length));
          const double factor = norm < longest ? 1 : longest / std::max(norm, kLeastGradient);
          for (std::int64_t i = at; i < at + rows.length; ++i)
            to[i] = static_cast<T>(static_cast<double>(from[i]) * factor);
        }
      });
    });
    parameter.value.set_grad(result);
  });
}

}  // namespace

Clip Clip::parse(std::string_view text) {
  if (text.empty()) return {};
  constexpr std::pair<std::string_view, Kind> kKinds[] = {
      {"norm:", Kind::norm}, {"value:", Kind::value}, {"agc:", Kind::adaptive}};
  for (const auto& [name, kind] : kKinds) {
    if (!text.starts_with(name)) continue;
    Clip clip{kind, 0};
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + name.size(), end, clip.limit);
    if (error == std::errc{} && stop == end && clip.limit > 0 && clip.limit <= 1e12) return clip;
  }
  throw UsageError(
      fmt::format("--clip got '{}', expected norm:LIMIT, value:LIMIT or agc:FACTOR, above 0", text));
}

double clip_gradients(const std::vector<nn::Parameter>& parameters, const Clip& clip) {
  switch (clip.kind) {
    case Clip::Kind::none:
      break;
    case Clip::Kind::norm:
      return clip_norm(parameters, clip.limit);
    case Clip::Kind::value:
      clip_value(parameters, clip.limit);
      break;
    case Clip::Kind::adaptive:
      clip_adaptively(parameters, clip.limit);
      break;
  }
  return 0;
}

void scale_gradients(const std::vector<nn::Parameter>& parameters, double factor) {
  each_gradient(parameters, [&](const nn::Parameter& parameter, const Tensor& grad) {
    parameter.value.set_grad(mapped(
        grad, [&]<typename T>(T value) { return static_cast<T>(static_cast<double>(value) * factor); }));
  });
}

}  // namespace satsuma::optim

#include "satsuma/ops/cross_entropy.hpp"

#include <vector>

#include "src/ops/kernels/kernels.hpp"
#include "src/ops/support.hpp"

namespace satsuma::ops {

namespace {

void check(const char* op, const Tensor& logits, const Tensor& labels) {
  check_rank(op, "logits", logits, 2, "[N, classes]");
  check_shape(op, "labels", labels, Shape{logits.dim(0)});
  check_dtype(op, "labels", labels, DType::i64);
  check_real(op, logits);
}

std::vector<std::int64_t> checked_labels(const char* op, const Tensor& logits, const Tensor& labels) {
  std::vector<std::int64_t> values = labels.to_vector<std::int64_t>();
  for (std::size_t n = 0; n < values.size(); ++n) {
    if (values[n] < 0 || values[n] >= logits.dim(1)) {
      throw ShapeError(fmt::format("[{}] got label {} at index {}, expected 0 to {}", op, values[n], n,
                                   logits.dim(1) - 1));
    }
  }
  return values;
}

/// p = softmax(x); returns the sum of the losses of all images.
template <typename T>
double loss_and_probabilities(const Tensor& x, const std::vector<std::int64_t>& labels, double smoothing,
                              Tensor& p) {
  const std::int64_t classes = x.dim(1);
  double loss = 0;
  for (std::int64_t block = 0; block < block_count(x.dim(0)); ++block) {
    const T* const row = x.data<T>() + block * classes * kLanes;
    alignas(64) T log_sum[kLanes];
    kernels::active<T>().softmax(row, p.data<T>() + block * classes * kLanes, classes, kLanes, log_sum);
    for (std::int64_t lane = 0; lane < valid_lanes(x.dim(0), block); ++lane) {
      const double total = static_cast<double>(log_sum[lane]);
      const std::int64_t label = labels[static_cast<std::size_t>(block * kLanes + lane)];
      double others = 0;
      if (smoothing > 0) {
        for (std::int64_t c = 0; c < classes; ++c)
          others += total - static_cast<double>(row[c * kLanes + lane]);
      }
      loss += (1.0 - smoothing) * (total - static_cast<double>(row[label * kLanes + lane])) +
              smoothing / static_cast<double>(classes) * others;
    }
  }
  return loss;
}

/// g / N * (p - (1 - s) * onehot - s / K); zero in the padding lanes.
template <typename T>
Tensor derivative(const Tensor& p, const std::vector<std::int64_t>& labels, double smoothing, double g) {
  const std::int64_t classes = p.dim(1);
  Tensor dx = Tensor::zeros(p.shape(), p.dtype(), MemoryFormat::batch_blocked);
  const double share = g / static_cast<double>(p.dim(0));
  for (std::int64_t n = 0; n < p.dim(0); ++n) {
    const std::int64_t at = n / kLanes * classes * kLanes + n % kLanes;
    const T* const from = p.data<T>() + at;
    T* const to = dx.data<T>() + at;
    for (std::int64_t c = 0; c < classes; ++c) {
      const double target = smoothing / static_cast<double>(classes) +
                            (c == labels[static_cast<std::size_t>(n)] ? 1.0 - smoothing : 0.0);
      to[c * kLanes] = static_cast<T>(share * (static_cast<double>(from[c * kLanes]) - target));
    }
  }
  return dx;
}

}  // namespace

Tensor cross_entropy(const Tensor& logits, const Tensor& labels, double smoothing) {
  if (!(smoothing >= 0.0 && smoothing <= 1.0)) {
    throw UsageError(fmt::format("[cross_entropy] got label smoothing {}, expected 0 to 1", smoothing));
  }
  check("cross_entropy", logits, labels);
  Tensor y = Tensor::empty({}, logits.dtype());
  const Operation operation = {"cross_entropy", {logits, labels}, {{"smoothing", smoothing}}};
  return dispatch_real("cross_entropy", logits.dtype(), [&](auto element) {
    using T = decltype(element);
    return record(operation, y, [&]() -> Backward {
      std::vector<std::int64_t> wanted = checked_labels("cross_entropy", logits, labels);
      const Tensor x = blocked(logits);
      Tensor p = Tensor::empty_like(x);
      y.fill(loss_and_probabilities<T>(x, wanted, smoothing, p) / static_cast<double>(x.dim(0)));
      return [p, wanted = std::move(wanted), smoothing](const Tensor& g, const std::vector<bool>&) {
        return std::vector<Tensor>{derivative<T>(p, wanted, smoothing, g.item()), Tensor()};
      };
    });
  });
}

std::int64_t count_correct(const Tensor& logits, const Tensor& labels) {
  check("count_correct", logits, labels);
  const std::vector<std::int64_t> wanted = checked_labels("count_correct", logits, labels);
  const Tensor x = logits.to(MemoryFormat::row_major);
  const std::int64_t classes = x.dim(1);
  std::int64_t correct = 0;
  dispatch_real("count_correct", x.dtype(), [&](auto element) {
    using T = decltype(element);
    const T* const data = x.data<T>();
    for (std::size_t n = 0; n < wanted.size(); ++n) {
      const T* const row = data + static_cast<std::int64_t>(n) * classes;
      correct += std::max_element(row, row + classes) - row == wanted[n] ? 1 : 0;
    }
  });
  return correct;
}

}  // namespace satsuma::ops

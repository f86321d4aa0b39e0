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

bool are_shares(const Tensor& targets) {
  return targets.rank() == 2;
}

void check_loss(const char* op, const Tensor& logits, const Tensor& targets, const Tensor& class_weights) {
  if (are_shares(targets)) {
    check_rank(op, "logits", logits, 2, "[N, classes]");
    check_real(op, logits);
    check_shape(op, "targets", targets, logits.shape());
    check_real(op, targets);
  } else {
    check(op, logits, targets);
  }
  if (!class_weights.defined()) return;
  check_shape(op, "class weights", class_weights, Shape{logits.dim(1)});
  check_real(op, class_weights);
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

/// What a class has to get of an image: q[n, k] * w[k].
class Target {
 public:
  Target(const Tensor& logits, const Tensor& targets, double smoothing, const Tensor& class_weights)
      : classes_(logits.dim(1)), smoothing_(smoothing) {
    if (are_shares(targets)) {
      shares_ = targets.to_vector<double>();
      divisor_ = static_cast<double>(targets.dim(0));
    } else {
      labels_ = checked_labels("cross_entropy", logits, targets);
      divisor_ = static_cast<double>(labels_.size());
    }
    if (!class_weights.defined()) return;
    weights_ = class_weights.to_vector<double>();
    if (are_shares(targets)) return;
    divisor_ = 0;
    for (const std::int64_t label : labels_) divisor_ += weights_[static_cast<std::size_t>(label)];
    if (divisor_ > 0) return;
    throw UsageError("[cross_entropy] the classes of all images have weight 0, so that their mean is none");
  }

  /// One class of each image has it all, but for the smoothing, and classes weigh the same.
  bool is_plain() const { return shares_.empty() && weights_.empty(); }
  std::int64_t label(std::int64_t n) const { return labels_[static_cast<std::size_t>(n)]; }
  double smoothing() const { return smoothing_; }
  double divisor() const { return divisor_; }

  double operator()(std::int64_t n, std::int64_t c) const {
    const double share =
        shares_.empty() ? (c == label(n) ? 1.0 : 0.0) : shares_[static_cast<std::size_t>(n * classes_ + c)];
    const double q = smoothing_ / static_cast<double>(classes_) + (1.0 - smoothing_) * share;
    return weights_.empty() ? q : q * weights_[static_cast<std::size_t>(c)];
  }

  double sum(std::int64_t n) const {
    if (is_plain()) return 1;
    double total = 0;
    for (std::int64_t c = 0; c < classes_; ++c) total += (*this)(n, c);
    return total;
  }

 private:
  std::int64_t classes_;
  double smoothing_;
  std::vector<std::int64_t> labels_;
  std::vector<double> shares_;   ///< t; empty where there are labels
  std::vector<double> weights_;  ///< empty where all are 1
  double divisor_ = 0;
};

/// Loss of image `n`, whose logits are `row`, one in kLanes, and log(sum(exp(row))) is `total`.
template <typename T>
double loss_of(const Target& target, std::int64_t n, const T* row, std::int64_t classes, double total) {
  const double smoothing = target.smoothing();
  if (!target.is_plain()) {
    double loss = 0;
    for (std::int64_t c = 0; c < classes; ++c)
      loss += target(n, c) * (total - static_cast<double>(row[c * kLanes]));
    return loss;
  }
  double others = 0;
  if (smoothing > 0) {
    for (std::int64_t c = 0; c < classes; ++c) others += total - static_cast<double>(row[c * kLanes]);
  }
  return (1.0 - smoothing) * (total - static_cast<double>(row[target.label(n) * kLanes])) +
         smoothing / static_cast<double>(classes) * others;
}

/// p = softmax(x); returns the sum of the losses of all images.
template <typename T>
double loss_and_probabilities(const Tensor& x, const Target& target, Tensor& p) {
  const std::int64_t classes = x.dim(1);
  double loss = 0;
  for (std::int64_t block = 0; block < block_count(x.dim(0)); ++block) {
    const T* const row = x.data<T>() + block * classes * kLanes;
    alignas(64) T log_sum[kLanes];
    kernels::active<T>().softmax(row, p.data<T>() + block * classes * kLanes, classes, kLanes, log_sum);
    for (std::int64_t lane = 0; lane < valid_lanes(x.dim(0), block); ++lane) {
      loss += loss_of(target, block * kLanes + lane, row + lane, classes, static_cast<double>(log_sum[lane]));
    }
  }
  return loss;
}

/// g / D * (p * sum_k q[n, k] w[k] - q w); zero in the padding lanes.
template <typename T>
Tensor derivative(const Tensor& p, const Target& target, double g) {
  const std::int64_t classes = p.dim(1);
  Tensor dx = Tensor::zeros(p.shape(), p.dtype(), MemoryFormat::batch_blocked);
  const double share = g / target.divisor();
  for (std::int64_t n = 0; n < p.dim(0); ++n) {
    const std::int64_t at = n / kLanes * classes * kLanes + n % kLanes;
    const T* const from = p.data<T>() + at;
    T* const to = dx.data<T>() + at;
    const double all = target.sum(n);
    for (std::int64_t c = 0; c < classes; ++c)
      to[c * kLanes] = static_cast<T>(share * (static_cast<double>(from[c * kLanes]) * all - target(n, c)));
  }
  return dx;
}

}  // namespace

Tensor cross_entropy(const Tensor& logits, const Tensor& targets, double smoothing,
                     const Tensor& class_weights) {
  if (!(smoothing >= 0.0 && smoothing <= 1.0)) {
    throw UsageError(fmt::format("[cross_entropy] got label smoothing {}, expected 0 to 1", smoothing));
  }
  check_loss("cross_entropy", logits, targets, class_weights);
  Tensor y = Tensor::empty({}, logits.dtype());
  const Operation operation = {"cross_entropy", {logits, targets, class_weights}, {{"smoothing", smoothing}}};
  return dispatch_real("cross_entropy", logits.dtype(), [&](auto element) {
    using T = decltype(element);
    return record(operation, y, [&]() -> Backward {
      Target target(logits, targets, smoothing, class_weights);
      const Tensor x = blocked(logits);
      Tensor p = Tensor::empty_like(x);
      y.fill(loss_and_probabilities<T>(x, target, p) / target.divisor());
      return [p, target = std::move(target)](const Tensor& g, const std::vector<bool>&) {
        return std::vector<Tensor>{derivative<T>(p, target, g.item()), Tensor(), Tensor()};
      };
    });
  });
}

double cross_entropy_divisor(const Tensor& targets, const Tensor& class_weights) {
  if (are_shares(targets) || !class_weights.defined()) return static_cast<double>(targets.dim(0));
  const std::vector<double> weights = class_weights.to_vector<double>();
  double divisor = 0;
  for (const std::int64_t label : targets.to_vector<std::int64_t>())
    divisor += weights.at(static_cast<std::size_t>(label));
  return divisor;
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

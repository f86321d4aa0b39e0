#include "satsuma/ops/layer_norm.hpp"

#include <vector>

#include "src/ops/kernels/kernels.hpp"
#include "src/ops/saved_tensor.hpp"
#include "src/ops/support.hpp"

namespace satsuma::ops {

namespace {

/// Rows of [N/16][T][D][16], or [N][T][D], that one partial sum of the derivative runs over.
constexpr std::int64_t kRows = 64;

/// What the derivative needs of the forward pass.
template <typename T>
struct Saved {
  Tensor x;  ///< in bf16 without the mean of its row
  Tensor gamma;
  std::vector<T> statistics;  ///< mean and inverse deviation of each row
};

/// Rows of what is saved, in T.
template <typename T>
class Rows {
 public:
  explicit Rows(const Saved<T>& saved)
      : saved_(saved),
        lanes_(saved.x.lanes()),
        row_(saved.x.dim(-1) * lanes_),
        buffer_(static_cast<std::size_t>(narrow() ? row_ : 0)),
        zero_(static_cast<std::size_t>(lanes_)) {}

  /// The next call overwrites it.
  const T* operator[](std::int64_t row) {
    if (!narrow()) return saved_.x.template data<T>() + row * row_;
    kernels::active<T>().widen(bits_of(saved_.x) + row * row_, buffer_.data(), row_);
    return buffer_.data();
  }
  /// What is still to be subtracted from the row, for each lane.
  const T* mean(std::int64_t row) const {
    return narrow() ? zero_.data() : saved_.statistics.data() + row * 2 * lanes_;
  }
  const T* inverse(std::int64_t row) const { return saved_.statistics.data() + (row * 2 + 1) * lanes_; }

 private:
  bool narrow() const { return saved_.x.dtype() == DType::bf16; }

  const Saved<T>& saved_;
  std::int64_t lanes_;
  std::int64_t row_;
  std::vector<T> buffer_;
  std::vector<T> zero_;
};

template <typename T>
std::vector<Tensor> derivative(const Saved<T>& saved, const Tensor& grad, const std::vector<bool>& needs) {
  const Tensor& x = saved.x;
  const std::int64_t lanes = x.lanes();
  const Tensor g = with_lanes(grad, lanes);
  const std::int64_t width = x.dim(-1);
  const std::int64_t tokens = x.rank() == 3 ? x.dim(1) : 1;
  const std::int64_t chunks = (tokens + kRows - 1) / kRows;
  const std::int64_t parts = block_count(x.dim(0), lanes) * chunks;
  Tensor dx = empty_as(x, g.dtype());
  std::vector<double> partial(static_cast<std::size_t>(parts * 2 * width));
  const auto& k = kernels::active<T>();
  parallel_for(parts, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<T> sums(static_cast<std::size_t>(2 * width * lanes));
    Rows<T> rows(saved);
    const T* const gamma = saved.gamma.template data<T>();
    for (std::int64_t part = begin; part < end; ++part) {
      std::fill(sums.begin(), sums.end(), T(0));
      T* const dgamma = sums.data();
      T* const dbeta = dgamma + width * lanes;
      const std::int64_t block = part / chunks;
      const std::int64_t first = part % chunks * kRows;
      for (std::int64_t t = first; t < std::min(first + kRows, tokens); ++t) {
        const std::int64_t row = block * tokens + t;
        const std::int64_t at = row * width * lanes;
        if (lanes == 1) {
          k.layer_norm_row_grad(rows[row], g.data<T>() + at, dx.data<T>() + at, width, gamma, *rows.mean(row),
                                *rows.inverse(row), dgamma, dbeta);
          continue;
        }
        k.layer_norm_grad(rows[row], g.data<T>() + at, dx.data<T>() + at, width, gamma, rows.mean(row),
                          rows.inverse(row), dgamma, dbeta);
      }
      if (lanes == 1) {
        std::copy(sums.begin(), sums.end(), partial.begin() + part * 2 * width);
        continue;
      }
      const std::int64_t valid = valid_lanes(x.dim(0), block);
      k.fold_lanes(dgamma, width, valid, partial.data() + part * 2 * width);
      k.fold_lanes(dbeta, width, valid, partial.data() + (part * 2 + 1) * width);
    }
  });
  std::vector<double> sums(static_cast<std::size_t>(2 * width));
  for (std::size_t i = 0; i < partial.size(); ++i) sums[i % sums.size()] += partial[i];
  const auto vector_from = [&](std::int64_t offset) {
    const std::vector<T> values(sums.begin() + offset, sums.begin() + offset + width);
    return Tensor::from(values, {width});
  };
  return {needs[0] ? dx : Tensor(), needs[1] ? vector_from(0) : Tensor(),
          needs[2] ? vector_from(width) : Tensor()};
}

}  // namespace

Tensor layer_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, double eps) {
  if (x.rank() != 2 && x.rank() != 3) check_rank("layer_norm", "x", x, 3, "[N, T, D] or [N, D]");
  const std::int64_t width = x.dim(-1);
  check_vector("layer_norm", "gamma", gamma, width, x.dtype());
  check_vector("layer_norm", "beta", beta, width, x.dtype());
  const Tensor from = activation(x);
  const std::int64_t lanes = from.lanes();
  const Tensor scale = gamma.detach();
  Tensor y = Tensor::empty_like(from);
  return dispatch_real("layer_norm", x.dtype(), [&](auto element) {
    using T = decltype(element);
    return record({"layer_norm", {x, gamma, beta}, {{"eps", eps}}}, y, [&]() -> Backward {
      if (x.numel() == 0) return {};
      const std::int64_t rows = block_count(x.dim(0), lanes) * (x.rank() == 3 ? x.dim(1) : 1);
      const bool narrow = keeps_narrow(x) && needs_grad({x, gamma, beta});
      Saved<T> saved{narrow ? empty_as(from, DType::bf16) : from, scale,
                     std::vector<T>(static_cast<std::size_t>(rows * 2 * lanes))};
      T* const to = y.data<T>();
      std::uint16_t* const centred = narrow ? bits_of(saved.x) : nullptr;
      parallel_for(rows, std::max<std::int64_t>(kGrain / (width * lanes), 1),
                   [&](std::int64_t begin, std::int64_t end) {
                     std::vector<T> shift(static_cast<std::size_t>(narrow && lanes == 1 ? width : 0));
                     for (std::int64_t row = begin; row < end; ++row) {
                       T* const mean = saved.statistics.data() + row * 2 * lanes;
                       const std::int64_t at = row * width * lanes;
                       const auto& k = kernels::active<T>();
                       (lanes == 1 ? k.layer_norm_row : k.layer_norm)(
                           from.data<T>() + at, to + at, width, scale.data<T>(), beta.data<T>(),
                           static_cast<T>(eps), mean, mean + lanes);
                       if (!narrow) continue;
                       if (lanes == 1) {
                         std::fill(shift.begin(), shift.end(), *mean);
                         k.narrow(from.data<T>() + at, {1, width, width}, shift.data(), centred + at);
                       } else {
                         k.narrow(from.data<T>() + at, {width, lanes, lanes}, mean, centred + at);
                       }
                     }
                   });
      return [saved = std::move(saved)](const Tensor& g, const std::vector<bool>& needs) {
        return derivative<T>(saved, g, needs);
      };
    });
  });
}

}  // namespace satsuma::ops

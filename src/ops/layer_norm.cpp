#include "satsuma/ops/layer_norm.hpp"

#include <vector>

#include "src/ops/kernels/kernels.hpp"
#include "src/ops/support.hpp"

namespace satsuma::ops {

namespace {

/// Rows of [N/16][T][D][16], or [N][T][D], that one partial sum of the derivative runs over.
constexpr std::int64_t kRows = 64;

template <typename T>
std::vector<Tensor> derivative(const Tensor& x, const Tensor& gamma, const std::vector<T>& saved,
                               const Tensor& grad, const std::vector<bool>& needs) {
  const std::int64_t lanes = x.lanes();
  const Tensor g = with_lanes(grad, lanes);
  const std::int64_t width = x.dim(-1);
  const std::int64_t tokens = x.rank() == 3 ? x.dim(1) : 1;
  const std::int64_t chunks = (tokens + kRows - 1) / kRows;
  const std::int64_t parts = block_count(x.dim(0), lanes) * chunks;
  Tensor dx = Tensor::empty_like(x);
  std::vector<double> partial(static_cast<std::size_t>(parts * 2 * width));
  const auto& k = kernels::active<T>();
  parallel_for(parts, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<T> sums(static_cast<std::size_t>(2 * width * lanes));
    for (std::int64_t part = begin; part < end; ++part) {
      std::fill(sums.begin(), sums.end(), T(0));
      T* const dgamma = sums.data();
      T* const dbeta = dgamma + width * lanes;
      const std::int64_t block = part / chunks;
      const std::int64_t first = part % chunks * kRows;
      for (std::int64_t t = first; t < std::min(first + kRows, tokens); ++t) {
        const std::int64_t row = block * tokens + t;
        const T* const mean = saved.data() + row * 2 * lanes;
        const std::int64_t at = row * width * lanes;
        if (lanes == 1) {
          k.layer_norm_row_grad(x.data<T>() + at, g.data<T>() + at, dx.data<T>() + at, width, gamma.data<T>(),
                                mean[0], mean[1], dgamma, dbeta);
          continue;
        }
        k.layer_norm_grad(x.data<T>() + at, g.data<T>() + at, dx.data<T>() + at, width, gamma.data<T>(), mean,
                          mean + kLanes, dgamma, dbeta);
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
      std::vector<T> saved(
          static_cast<std::size_t>(rows * 2 * lanes));  // mean and inverse deviation of each row
      T* const to = y.data<T>();
      parallel_for(rows, std::max<std::int64_t>(kGrain / (width * lanes), 1),
                   [&](std::int64_t begin, std::int64_t end) {
                     for (std::int64_t row = begin; row < end; ++row) {
                       T* const mean = saved.data() + row * 2 * lanes;
                       const std::int64_t at = row * width * lanes;
                       const auto& k = kernels::active<T>();
                       (lanes == 1 ? k.layer_norm_row : k.layer_norm)(
                           from.data<T>() + at, to + at, width, scale.data<T>(), beta.data<T>(),
                           static_cast<T>(eps), mean, mean + lanes);
                     }
                   });
      return [from, scale, saved = std::move(saved)](const Tensor& g, const std::vector<bool>& needs) {
        return derivative<T>(from, scale, saved, g, needs);
      };
    });
  });
}

}  // namespace satsuma::ops

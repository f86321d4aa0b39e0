#include "satsuma/ops/batch_norm.hpp"

#include <cmath>
#include <type_traits>
#include <vector>

#include "satsuma/core/batch_share.hpp"
#include "src/ops/kernels/kernels.hpp"
#include "src/ops/saved_tensor.hpp"
#include "src/ops/support.hpp"

namespace satsuma::ops {

namespace {

/// A piece of an activation that one thread works on at a time: some pixels of one block and some of their
/// channels.
struct Tile {
  std::int64_t block;
  std::int64_t first_channel;
  std::int64_t channels;
  std::int64_t offset;  ///< of the first number in storage
  kernels::Patch patch;
};

/// Cuts [N/16][pixels][C][16], or [N][pixels][C], into tiles. Accumulators of a tile fit the first-level
/// cache, and its pixels are few enough for single precision to add up.
class Tiling {
 public:
  explicit Tiling(const Tensor& x)
      : batch_(x.dim(0)),
        channels_(x.dim(1)),
        pixels_(x.rank() == 4 ? x.dim(2) * x.dim(3) : 1),
        lanes_(x.lanes()),
        stripe_(kAccumulators / lanes_),
        chunks_((pixels_ + kPixels - 1) / kPixels),
        stripes_((channels_ + stripe_ - 1) / stripe_) {}

  /// Sums that a tile has at most: one for each of its channels and lanes.
  static constexpr std::int64_t kAccumulators = 64 * kLanes;

  /// Rows of partial sums: one for each block and chunk of pixels, in order.
  std::int64_t rows() const { return block_count(batch_, lanes_) * chunks_; }
  std::int64_t count() const { return rows() * stripes_; }
  std::int64_t row_of(std::int64_t tile) const { return tile / stripes_; }

  Tile operator[](std::int64_t tile) const {
    const std::int64_t row = tile / stripes_;
    const std::int64_t block = row / chunks_;
    const std::int64_t pixel = row % chunks_ * kPixels;
    const std::int64_t channel = tile % stripes_ * stripe_;
    const std::int64_t step = channels_ * lanes_;
    const std::int64_t channels = std::min(stripe_, channels_ - channel);
    return {block,
            channel,
            channels,
            (block * pixels_ + pixel) * step + channel * lanes_,
            {std::min(kPixels, pixels_ - pixel), step, channels * lanes_}};
  }

  /// Sums over the lanes that hold images.
  template <typename T>
  void fold(const T* lanes, const Tile& tile, double* sums) const {
    if (lanes_ == 1) {
      std::copy_n(lanes, tile.channels, sums);
    } else {
      kernels::active<T>().fold_lanes(lanes, tile.channels, valid_lanes(batch_, tile.block), sums);
    }
  }

  template <typename Body>
  void for_each(Body&& body) const {
    parallel_for(count(), 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) body(i, (*this)[i]);
    });
  }

 private:
  static constexpr std::int64_t kPixels = 64;

  std::int64_t batch_, channels_, pixels_, lanes_;
  std::int64_t stripe_;  ///< channels of a tile
  std::int64_t chunks_, stripes_;
};

/// One number for each channel of x, repeated for its lanes.
template <typename T, typename F>
std::vector<T> for_lanes(const Tensor& x, F&& value) {
  const std::int64_t channels = x.dim(1);
  const std::int64_t lanes = x.lanes();
  std::vector<T> result(static_cast<std::size_t>(channels * lanes));
  for (std::int64_t c = 0; c < channels; ++c) {
    std::fill_n(result.begin() + c * lanes, lanes, static_cast<T>(value(c)));
  }
  return result;
}

/// Two sums for each channel over all images and pixels.
struct Sums {
  std::vector<double> first, second;
};

/// Adds up what `kernel(tile, first, second)` leaves in its two vectors of lanes. Threads fill rows of
/// partial sums, which are added in order: the result does not depend on the number of threads.
template <typename T, typename Kernel>
Sums sum_tiles(const Tiling& tiling, std::int64_t channels, Kernel&& kernel) {
  const auto width = static_cast<std::size_t>(channels);
  const auto rows = static_cast<std::size_t>(tiling.rows());
  std::vector<double> partial(rows * 2 * width);
  tiling.for_each([&](std::int64_t index, const Tile& tile) {
    alignas(64) T first[Tiling::kAccumulators];
    alignas(64) T second[Tiling::kAccumulators];
    kernel(tile, first, second);
    double* const row = partial.data() + tiling.row_of(index) * 2 * channels + tile.first_channel;
    tiling.fold(first, tile, row);
    tiling.fold(second, tile, row + channels);
  });
  Sums sums{std::vector<double>(width), std::vector<double>(width)};
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t c = 0; c < width; ++c) {
      sums.first[c] += partial[row * 2 * width + c];
      sums.second[c] += partial[(row * 2 + 1) * width + c];
    }
  }
  return sums;
}

/// A number near the mean of each channel, from a few pixels of the first images. Squares of differences to
/// it can be added up without the cancellation that E[x^2] - E[x]^2 suffers when the mean is large.
template <typename T>
std::vector<T> rough_means(const Tensor& x) {
  const std::int64_t channels = x.dim(1);
  const std::int64_t pixels = x.rank() == 4 ? x.dim(2) * x.dim(3) : 1;
  const std::int64_t samples = std::min<std::int64_t>(pixels, 8);
  const std::int64_t valid = valid_lanes(x.dim(0), 0, x.lanes());
  const T* const data = x.data<T>();
  return for_lanes<T>(x, [&](std::int64_t c) {
    double sum = 0;
    for (std::int64_t s = 0; s < samples; ++s) {
      const T* const lanes = data + ((2 * s + 1) * pixels / (2 * samples) * channels + c) * x.lanes();
      for (std::int64_t lane = 0; lane < valid; ++lane) sum += static_cast<double>(lanes[lane]);
    }
    return sum / static_cast<double>(samples * valid);
  });
}

/// What the normalisation subtracts and multiplies with.
struct Statistics {
  std::vector<double> mean, inverse;
  double count = 0;  ///< values of a channel that they are of
};

/// Mean and biased variance of each channel, and how many values they are of.
struct Moments {
  std::vector<double> mean, variance;
  double count = 0;
};

/// The moments of the whole batch of those of the shares that processes have of it: with n values in all,
/// mean = sum n_r mean_r / n and var = sum n_r (var_r + (mean_r - mean)^2) / n (Chan, Golub, LeVeque, 1979).
Moments of_whole_batch(const Moments& own) {
  const auto& gather = batch_share().gather;
  if (!gather) return own;
  std::vector<double> sent = {own.count};
  sent.insert(sent.end(), own.mean.begin(), own.mean.end());
  sent.insert(sent.end(), own.variance.begin(), own.variance.end());
  const std::vector<double> all = gather(sent);
  const std::size_t channels = own.mean.size();
  Moments whole{std::vector<double>(channels), std::vector<double>(channels)};
  for (std::size_t r = 0; r < all.size(); r += sent.size()) whole.count += all[r];
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t r = 0; r < all.size(); r += sent.size()) whole.mean[c] += all[r] * all[r + 1 + c];
    whole.mean[c] /= whole.count;
    for (std::size_t r = 0; r < all.size(); r += sent.size()) {
      const double away = all[r + 1 + c] - whole.mean[c];
      whole.variance[c] += all[r] * (all[r + 1 + channels + c] + away * away);
    }
    whole.variance[c] /= whole.count;
  }
  return whole;
}

/// The sums of all processes.
Sums of_whole_batch(const Sums& own) {
  const auto& gather = batch_share().gather;
  if (!gather) return own;
  std::vector<double> sent = own.first;
  sent.insert(sent.end(), own.second.begin(), own.second.end());
  const std::vector<double> all = gather(sent);
  const std::size_t channels = own.first.size();
  Sums whole{std::vector<double>(channels), std::vector<double>(channels)};
  for (std::size_t r = 0; r < all.size(); r += sent.size()) {
    for (std::size_t c = 0; c < channels; ++c) {
      whole.first[c] += all[r + c];
      whole.second[c] += all[r + channels + c];
    }
  }
  return whole;
}

struct Settings {
  bool training;
  double momentum;
  double eps;
};

template <typename T>
Statistics batch_statistics(const Tensor& x, const Settings& settings, Tensor& running_mean,
                            Tensor& running_var) {
  const std::int64_t channels = x.dim(1);
  const double count = static_cast<double>(x.numel() / channels);
  const std::vector<T> shift = rough_means<T>(x);
  const T* const data = x.data<T>();
  Sums sums = sum_tiles<T>(Tiling(x), channels, [&](const Tile& tile, T* first, T* second) {
    kernels::active<T>().moments(data + tile.offset, tile.patch,
                                 shift.data() + tile.first_channel * x.lanes(), first, second);
  });
  Moments moments{std::move(sums.first), std::move(sums.second), count};
  for (std::size_t i = 0; i < moments.mean.size(); ++i) {
    const double away = moments.mean[i] / count;
    moments.variance[i] = std::max(0.0, moments.variance[i] / count - away * away);
    moments.mean[i] = static_cast<double>(shift[i * static_cast<std::size_t>(x.lanes())]) + away;
  }
  if (settings.training) moments = of_whole_batch(moments);
  Statistics result{std::move(moments.mean), std::vector<double>(moments.variance.size()), moments.count};
  for (std::int64_t c = 0; c < channels; ++c) {
    const auto i = static_cast<std::size_t>(c);
    const double variance = moments.variance[i];
    result.inverse[i] = 1.0 / std::sqrt(variance + settings.eps);
    if (!settings.training || !running_mean.defined()) continue;
    const auto move = [&](T& running, double batch) {
      running = static_cast<T>((1.0 - settings.momentum) * static_cast<double>(running) +
                               settings.momentum * batch);
    };
    move(running_mean.data<T>()[c], result.mean[i]);
    move(running_var.data<T>()[c], variance * result.count / (result.count - 1.0));
  }
  return result;
}

template <typename T>
Statistics running_statistics(const Tensor& running_mean, const Tensor& running_var, double eps) {
  Statistics result{running_mean.to_vector<double>(), running_var.to_vector<double>(), 0};
  for (double& value : result.inverse) value = 1.0 / std::sqrt(value + eps);
  return result;
}

void check(const Tensor& x, const Tensor& gamma, const Tensor& beta, const Tensor& running_mean,
           const Tensor& running_var, bool training, const Tensor& residual) {
  constexpr const char* op = "batch_norm";
  if (x.rank() != 2 && x.rank() != 4) check_rank(op, "x", x, 4, "[N, C, H, W] or [N, C]");
  const std::int64_t channels = x.dim(1);
  check_vector(op, "gamma", gamma, channels, x.dtype());
  check_vector(op, "beta", beta, channels, x.dtype());
  if (running_mean.defined() != running_var.defined()) {
    throw ShapeError("[batch_norm] got one of the two running statistics, expected both or none");
  }
  if (running_mean.defined()) {
    check_vector(op, "running mean", running_mean, channels, x.dtype());
    check_vector(op, "running variance", running_var, channels, x.dtype());
  }
  if (residual.defined()) {
    check_shape(op, "residual", residual, x.shape());
    check_dtype(op, "residual", residual, x.dtype());
  }
  if (training && x.numel() <= channels) {
    throw ShapeError(fmt::format(
        "[batch_norm] got {}, expected more than one value per channel when training", to_string(x.shape())));
  }
}

/// What the derivative needs of the forward pass. In bf16, x is kept without its mean: what is rounded is no
/// larger than the deviation makes it, however far the mean is from zero.
struct Saved {
  Tensor x;
  Tensor gamma;
  SavedTensor y;  ///< where there is a ReLU
  Statistics statistics;
  bool batch;  ///< mean and variance depend on x
  bool residual;
};

/// The elements of a tensor of S, or the bits of one of bf16.
template <typename S>
const S* elements_of(const Tensor& x) {
  if constexpr (std::is_same_v<S, std::uint16_t>) {
    return bits_of(x);
  } else {
    return x.data<S>();
  }
}

/// Of two kernels the one that reads S: one that reads T, and one that reads bf16.
template <typename T, typename S, typename Wide, typename Narrow>
auto reading(Wide wide, Narrow narrow) {
  if constexpr (std::is_same_v<T, S>) {
    return wide;
  } else {
    return narrow;
  }
}

/// S is T, or the bits of bf16.
template <typename T, typename S>
std::vector<Tensor> derivative(const Saved& saved, const Tensor& grad, const std::vector<bool>& needs) {
  const Tensor& x = saved.x;
  const Tensor g = with_lanes(grad, x.lanes());
  const std::int64_t channels = x.dim(1);
  const Tiling tiling(x);
  const auto& k = kernels::active<T>();
  const bool relu = saved.y.defined();
  const bool residual = saved.residual && needs[3];

  const std::vector<T> mean = for_lanes<T>(x, [&](std::int64_t c) {
    return std::is_same_v<S, T> ? saved.statistics.mean[static_cast<std::size_t>(c)] : 0.0;
  });
  const T* const grads = g.data<T>();
  const auto grad_moments = reading<T, S>(k.grad_moments, k.grad_moments_narrow);
  const auto normalise_grad = reading<T, S>(k.normalise_grad, k.normalise_grad_narrow);
  const S* const data = elements_of<S>(x);
  const S* const gate = relu ? elements_of<S>(saved.y.kept()) : nullptr;
  // The gradient of the residual is the masked gradient: written by the first pass, it spares the second the
  // mask.
  Tensor masked = relu && residual ? empty_as(x, g.dtype()) : Tensor();
  T* const mask_to = masked.defined() ? masked.data<T>() : nullptr;
  Sums sums = sum_tiles<T>(tiling, channels, [&](const Tile& tile, T* first, T* second) {
    grad_moments(grads + tile.offset, data + tile.offset, gate ? gate + tile.offset : nullptr,
                 mask_to ? mask_to + tile.offset : nullptr, tile.patch,
                 mean.data() + tile.first_channel * x.lanes(), first, second);
  });

  std::vector<Tensor> result(needs.size());
  const std::vector<double>& inverse = saved.statistics.inverse;
  if (needs[1]) {
    std::vector<T> values;
    for (std::size_t c = 0; c < inverse.size(); ++c)
      values.push_back(static_cast<T>(sums.second[c] * inverse[c]));
    result[1] = Tensor::from(values, {channels});
  }
  if (needs[2]) {
    const std::vector<T> values(sums.first.begin(), sums.first.end());
    result[2] = Tensor::from(values, {channels});
  }
  if (residual) result[3] = relu ? masked : g;
  // All processes or none get here: they run the same graph.
  if (!needs[0]) return result;
  // Gradients of parameters are added up with all others; what the mean and the variance pass on is the whole
  // batch's here.
  if (saved.batch) sums = of_whole_batch(sums);

  // dx = gamma / s * (g - mean(g) - (x - mean) / s^2 * mean(g (x - mean))), s the deviation; the two means
  // vanish where the statistics are constants.
  const T* const gammas = saved.gamma.data<T>();
  const auto at = [](const std::vector<double>& v, std::int64_t c) { return v[static_cast<std::size_t>(c)]; };
  const auto slope = [&](std::int64_t c) { return static_cast<double>(gammas[c]) * at(inverse, c); };
  const double share = saved.batch ? 1.0 / saved.statistics.count : 0.0;
  const std::vector<T> a = for_lanes<T>(x, slope);
  const std::vector<T> b = for_lanes<T>(x, [&](std::int64_t c) {
    return -slope(c) * at(inverse, c) * at(inverse, c) * at(sums.second, c) * share;
  });
  const std::vector<T> d =
      for_lanes<T>(x, [&](std::int64_t c) { return -slope(c) * at(sums.first, c) * share; });
  Tensor dx = empty_as(x, g.dtype());
  T* const to = dx.data<T>();
  const T* const from = mask_to ? mask_to : grads;
  const S* const mask = mask_to ? nullptr : gate;
  tiling.for_each([&](std::int64_t, const Tile& tile) {
    const std::int64_t lane = tile.first_channel * x.lanes();
    normalise_grad(from + tile.offset, data + tile.offset, mask ? mask + tile.offset : nullptr,
                   to + tile.offset, tile.patch, mean.data() + lane, a.data() + lane, b.data() + lane,
                   d.data() + lane);
  });
  result[0] = dx;
  return result;
}

}  // namespace

Tensor batch_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, Tensor running_mean,
                  Tensor running_var, bool training, double momentum, double eps) {
  return batch_norm_act(x, gamma, beta, std::move(running_mean), std::move(running_var), training, momentum,
                        eps, false);
}

Tensor batch_norm_act(const Tensor& x, const Tensor& gamma, const Tensor& beta, Tensor running_mean,
                      Tensor running_var, bool training, double momentum, double eps, bool relu,
                      const Tensor& residual) {
  check(x, gamma, beta, running_mean, running_var, training, residual);
  const Tensor from = activation(x);
  const Tensor scale = gamma.detach();
  const Tensor other = residual.defined() ? with_lanes(residual, from.lanes()) : Tensor();
  const bool batch = training || !running_mean.defined();
  Tensor y = Tensor::empty_like(from);
  // The running statistics come last: the derivative answers for the four before them.
  const Operation operation = {
      "batch_norm",
      {x, gamma, beta, residual, running_mean, running_var},
      {{"training", training}, {"momentum", momentum}, {"eps", eps}, {"relu", relu}}};
  return dispatch_real("batch_norm", x.dtype(), [&](auto element) {
    using T = decltype(element);
    SavedTensor gate;
    const Tensor output = record(operation, y, [&]() -> Backward {
      if (x.numel() == 0) return {};
      Statistics statistics =
          batch ? batch_statistics<T>(from, {training, momentum, eps}, running_mean, running_var)
                : running_statistics<T>(running_mean, running_var, eps);
      const T* const gammas = scale.data<T>();
      const T* const betas = beta.data<T>();
      const auto slope = [&](std::int64_t c) {
        return static_cast<double>(gammas[c]) * statistics.inverse[static_cast<std::size_t>(c)];
      };
      const std::vector<T> slopes = for_lanes<T>(from, slope);
      // The mean is subtracted first: folded into the bias it would cost the digits that a large mean has in
      // front.
      const std::vector<T> means =
          for_lanes<T>(from, [&](std::int64_t c) { return statistics.mean[static_cast<std::size_t>(c)]; });
      const std::vector<T> biases = for_lanes<T>(from, [&](std::int64_t c) { return betas[c]; });
      const T* const data = from.data<T>();
      const T* const add = other.defined() ? other.data<T>() : nullptr;
      T* const to = y.data<T>();
      const bool narrow = keeps_narrow(x) && needs_grad({x, gamma, beta, residual});
      Tensor centred = narrow ? empty_as(from, DType::bf16) : from;
      Tensor rounded = narrow && relu ? empty_as(from, DType::bf16) : Tensor();
      std::uint16_t* const centred_to = narrow ? bits_of(centred) : nullptr;
      std::uint16_t* const rounded_to = narrow && relu ? bits_of(rounded) : nullptr;
      const auto& k = kernels::active<T>();
      Tiling(from).for_each([&](std::int64_t, const Tile& tile) {
        const std::int64_t lane = tile.first_channel * from.lanes();
        k.normalise(data + tile.offset, add ? add + tile.offset : nullptr, to + tile.offset, tile.patch,
                    means.data() + lane, slopes.data() + lane, biases.data() + lane, relu);
        // Of a tile that is in the cache.
        if (centred_to)
          k.narrow(data + tile.offset, tile.patch, means.data() + lane, centred_to + tile.offset);
        if (rounded_to) k.narrow(to + tile.offset, tile.patch, nullptr, rounded_to + tile.offset);
      });
      if (relu) gate = rounded.defined() ? SavedTensor::of_rounded(rounded) : SavedTensor(y, DType::f32);
      Saved saved{centred, scale, gate, std::move(statistics), batch, residual.defined()};
      return [saved = std::move(saved)](const Tensor& g, const std::vector<bool>& needs) {
        if constexpr (std::is_same_v<T, float>) {
          if (saved.x.dtype() == DType::bf16) return derivative<T, std::uint16_t>(saved, g, needs);
        }
        return derivative<T, T>(saved, g, needs);
      };
    });
    gate.share_with(output);
    return output;
  });
}

}  // namespace satsuma::ops

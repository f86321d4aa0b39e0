#include "satsuma/ops/dropout.hpp"

#include <vector>

#include "satsuma/ops/arithmetic.hpp"
#include "src/ops/support.hpp"

namespace satsuma::ops {

namespace {

/// y = x where kept, scaled; zero elsewhere.
void apply(const Tensor& x, const Tensor& kept, double factor, Tensor& y) {
  const std::uint8_t* const keep = kept.data<std::uint8_t>();
  dispatch_real("dropout", x.dtype(), [&](auto element) {
    using T = decltype(element);
    const T* const from = x.data<T>();
    T* const to = y.data<T>();
    const T scale = static_cast<T>(factor);
    parallel_for(x.extent(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) to[i] = keep[i] != 0 ? from[i] * scale : T(0);
    });
  });
}

void check_probability(const char* op, double probability) {
  if (probability >= 0.0 && probability < 1.0) return;
  throw UsageError(fmt::format("[{}] got probability {}, expected at least 0 and below 1", op, probability));
}

/// Ones over the axes of x, the number of images along the first.
Shape one_an_image(const Tensor& x) {
  Shape shape = {x.dim(0)};
  for (int axis = 1; axis < x.rank(); ++axis) shape.push_back(1);
  return shape;
}

}  // namespace

Tensor dropout(const Tensor& x, double probability, bool training, Rng& rng) {
  check_probability("dropout", probability);
  if (!training || probability == 0.0) return x;
  check_real("dropout", x);
  const Tensor from = blocked(x);
  Tensor y = Tensor::empty_like(from);
  return record({"dropout", {x}, {{"probability", probability}}}, y, [&]() -> Backward {
    Tensor kept = Tensor::empty(from.shape(), DType::u8, MemoryFormat::batch_blocked);
    std::uint8_t* const keep = kept.data<std::uint8_t>();
    const std::uint64_t start = rng.position();
    parallel_for(from.extent(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      Rng own = rng;
      own.seek(start + static_cast<std::uint64_t>(begin));
      const auto threshold = static_cast<float>(probability);
      for (std::int64_t i = begin; i < end; ++i) keep[i] = own.uniform() >= threshold ? 1 : 0;
    });
    rng.seek(start + static_cast<std::uint64_t>(from.extent()));
    const double factor = 1.0 / (1.0 - probability);
    apply(from, kept, factor, y);
    return [kept, factor](const Tensor& g, const std::vector<bool>&) {
      const Tensor grad = blocked(g);
      Tensor dx = Tensor::empty_like(grad);
      apply(grad, kept, factor, dx);
      return std::vector<Tensor>{dx};
    };
  });
}

Tensor drop_path(const Tensor& x, double probability, bool training, Rng& rng) {
  check_probability("drop_path", probability);
  if (!training || probability == 0.0) return x;
  check_real("drop_path", x);
  Tensor factors = Tensor::empty(one_an_image(x), x.dtype());
  if (factors.has_storage()) {
    dispatch_real("drop_path", x.dtype(), [&](auto element) {
      using T = decltype(element);
      const T kept = static_cast<T>(1.0 / (1.0 - probability));
      T* const factor = factors.data<T>();
      for (std::int64_t n = 0; n < x.dim(0); ++n)
        factor[n] = rng.uniform() >= static_cast<float>(probability) ? kept : T(0);
    });
  }
  return mul(x, factors);
}

}  // namespace satsuma::ops

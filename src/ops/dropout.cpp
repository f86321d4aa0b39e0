#include "satsuma/ops/dropout.hpp"

#include <algorithm>
#include <vector>

#include "satsuma/core/batch_share.hpp"
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

/// Where elements of a batch-blocked tensor lie in that of the whole batch, of which it may be a share.
class Place {
 public:
  explicit Place(const Tensor& x)
      : first_(batch_share().first),
        block_(x.extent() / std::max<std::int64_t>(block_count(x.dim(0)), 1)),
        extent_(batch_share().whole > 0 ? block_count(batch_share().whole) * block_ : x.extent()) {}

  bool in_order() const { return first_ % kLanes == 0; }
  std::uint64_t of(std::int64_t element) const {
    const std::int64_t image = first_ + element / block_ * kLanes + element % kLanes;
    const std::int64_t inside = element % block_ / kLanes * kLanes;
    return static_cast<std::uint64_t>(image / kLanes * block_ + inside + image % kLanes);
  }
  std::uint64_t extent() const { return static_cast<std::uint64_t>(extent_); }

 private:
  std::int64_t first_, block_, extent_;
};

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
    const Place place(from);
    parallel_for(from.extent(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      Rng own = rng;
      own.seek(start + place.of(begin));
      const auto threshold = static_cast<float>(probability);
      for (std::int64_t i = begin; i < end; ++i) {
        if (!place.in_order()) own.seek(start + place.of(i));
        keep[i] = own.uniform() >= threshold ? 1 : 0;
      }
    });
    rng.seek(start + place.extent());
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
      const std::uint64_t start = rng.position();
      rng.seek(start + static_cast<std::uint64_t>(batch_share().first));
      for (std::int64_t n = 0; n < x.dim(0); ++n)
        factor[n] = rng.uniform() >= static_cast<float>(probability) ? kept : T(0);
      if (const std::int64_t whole = batch_share().whole; whole > 0)
        rng.seek(start + static_cast<std::uint64_t>(whole));
    });
  }
  return mul(x, factors);
}

}  // namespace satsuma::ops

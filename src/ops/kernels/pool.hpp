#pragma once

#include "src/ops/kernels/kernels.hpp"
#include "src/ops/kernels/vector.hpp"

namespace satsuma::kernels {

template <int Width, typename T>
struct Pool {
  using Size = std::int64_t;
  using Integer = typename SameWidth<T>::Integer;

  static void max_of(const T* const* runs, const std::uint8_t* ids, int count, Size n, T* y,
                     std::uint8_t* which) {
    using R = Register<Width, T>;
    Size i = 0;
    for (; i + R::kCount <= n; i += R::kCount) {
      typename R::Vector best = R::load(runs[0] + i);
      typename R::Integers index = typename R::Integers{} + Integer{ids[0]};
      for (int r = 1; r < count; ++r) {
        const typename R::Vector value = R::load(runs[r] + i);
        const typename R::Integers wins = (value > best) | (value != value);
        best = wins ? value : best;
        index = wins ? typename R::Integers{} + Integer{ids[r]} : index;
      }
      R::store(y + i, best);
      R::store(which + i, index);
    }
    for (; i < n; ++i) {
      y[i] = runs[0][i];
      which[i] = ids[0];
      for (int r = 1; r < count; ++r) {
        const T value = runs[r][i];
        if (!(value > y[i]) && value == value) continue;
        y[i] = value;
        which[i] = ids[r];
      }
    }
  }

  static void add_where(const T* __restrict g, const std::uint8_t* __restrict which, std::uint8_t id, Size n,
                        T* __restrict dx) {
    for (Size i = 0; i < n; ++i) {
      const Integer chosen = which[i];
      dx[i] += chosen == Integer{id} ? g[i] : T(0);
    }
  }
};

}  // namespace satsuma::kernels

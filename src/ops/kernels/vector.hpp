#pragma once

#include <cstdint>

namespace satsuma::kernels {

/// An integer as wide as T, which is what comparing vectors of T gives.
template <typename T>
struct SameWidth;
template <>
struct SameWidth<float> {
  using Integer = std::int32_t;
};
template <>
struct SameWidth<double> {
  using Integer = std::int64_t;
};

/// One register of `Width` bytes, by the vector types that GCC and Clang share: for loops in which values
/// must stay in registers from one iteration to the next. Loops over memory are left to the compiler to
/// vectorise.
template <int Width, typename T>
struct Register {
  static constexpr int kCount = Width / static_cast<int>(sizeof(T));

  using Vector __attribute__((vector_size(Width), aligned(alignof(T)), may_alias)) = T;
  using Integers __attribute__((vector_size(Width))) = typename SameWidth<T>::Integer;
  using Bytes __attribute__((vector_size(kCount), aligned(1), may_alias)) = std::uint8_t;

  static Vector load(const T* at) { return *reinterpret_cast<const Vector*>(at); }
  static void store(T* at, Vector value) { *reinterpret_cast<Vector*>(at) = value; }
  static void store(std::uint8_t* at, Integers value) {
    *reinterpret_cast<Bytes*>(at) = __builtin_convertvector(value, Bytes);
  }
};

}  // namespace satsuma::kernels

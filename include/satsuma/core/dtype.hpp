#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "satsuma/core/half.hpp"

namespace satsuma {

/// Element type of a tensor.
enum class DType : std::uint8_t { f32, f64, bf16, f16, i64, u8 };

/// Bytes of one element.
std::size_t size_of(DType dtype);
/// Name as it is printed and typed: `f32`, `f64`, `bf16`, `f16`, `i64`, `u8`.
std::string_view to_string(DType dtype);
/// True for the types that can carry a gradient.
bool is_floating(DType dtype);

template <typename T>
struct DTypeOf;
template <>
struct DTypeOf<float> {
  static constexpr DType value = DType::f32;
};
template <>
struct DTypeOf<double> {
  static constexpr DType value = DType::f64;
};
template <>
struct DTypeOf<BFloat16> {
  static constexpr DType value = DType::bf16;
};
template <>
struct DTypeOf<Float16> {
  static constexpr DType value = DType::f16;
};
template <>
struct DTypeOf<std::int64_t> {
  static constexpr DType value = DType::i64;
};
template <>
struct DTypeOf<std::uint8_t> {
  static constexpr DType value = DType::u8;
};

template <typename T>
inline constexpr DType dtype_of = DTypeOf<T>::value;

/// Throws ShapeError: `[op] does not compute in <dtype>`.
[[noreturn]] void refuse_dtype(std::string_view op, DType dtype);

/// Calls `f(T{})` with T = float or double. Throws ShapeError, naming `op`, for other types.
template <typename F>
decltype(auto) dispatch_real(std::string_view op, DType dtype, F&& f) {
  if (dtype == DType::f32) return f(float{});
  if (dtype == DType::f64) return f(double{});
  refuse_dtype(op, dtype);
}

/// Calls `f(T{})` with the element type of `dtype`, whichever it is.
template <typename F>
decltype(auto) dispatch_any(DType dtype, F&& f) {
  switch (dtype) {
    case DType::f32:
      return f(float{});
    case DType::f64:
      return f(double{});
    case DType::bf16:
      return f(BFloat16{});
    case DType::f16:
      return f(Float16{});
    case DType::i64:
      return f(std::int64_t{});
    case DType::u8:
      break;
  }
  return f(std::uint8_t{});
}

/// Conversion between any two element types; the half types go through float.
template <typename To, typename From>
To convert(From value) {
  constexpr bool half_from = std::is_same_v<From, BFloat16> || std::is_same_v<From, Float16>;
  constexpr bool half_to = std::is_same_v<To, BFloat16> || std::is_same_v<To, Float16>;
  if constexpr (std::is_same_v<To, From>) {
    return value;
  } else if constexpr (half_from) {
    return convert<To>(static_cast<float>(value));
  } else if constexpr (half_to) {
    return To(static_cast<float>(value));
  } else {
    return static_cast<To>(value);
  }
}

}  // namespace satsuma

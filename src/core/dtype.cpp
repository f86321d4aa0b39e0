#include "satsuma/core/dtype.hpp"

#include <fmt/core.h>

#include "satsuma/core/error.hpp"

namespace satsuma {

std::size_t size_of(DType dtype) {
  return dispatch_any(dtype, [](auto element) { return sizeof(element); });
}

std::string_view to_string(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return "f32";
    case DType::f64:
      return "f64";
    case DType::bf16:
      return "bf16";
    case DType::f16:
      return "f16";
    case DType::i64:
      return "i64";
    case DType::u8:
      break;
  }
  return "u8";
}

bool is_floating(DType dtype) {
  return dtype != DType::i64 && dtype != DType::u8;
}

void refuse_dtype(std::string_view op, DType dtype) {
  throw ShapeError(
      fmt::format("[{}] does not compute in {}; convert to f32 or f64 first", op, to_string(dtype)));
}

}  // namespace satsuma

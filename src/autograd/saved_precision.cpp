#include "satsuma/autograd/saved_precision.hpp"

#include <fmt/core.h>

#include "satsuma/core/error.hpp"

namespace satsuma {

namespace {

thread_local DType current = DType::f32;

}  // namespace

DType saved_precision() {
  return current;
}

SavedPrecision::SavedPrecision(DType precision) : before_(current) {
  if (precision != DType::f32 && precision != DType::bf16) {
    throw Error(fmt::format("activations were to be kept as {}, expected f32 or bf16", to_string(precision)));
  }
  current = precision;
}

SavedPrecision::~SavedPrecision() {
  current = before_;
}

}  // namespace satsuma

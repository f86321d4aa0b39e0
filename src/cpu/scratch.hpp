#pragma once

#include <cstddef>
#include <memory>

#include "satsuma/core/allocator.hpp"

namespace satsuma::cpu {

/// Uninitialised floats for the length of a scope, from the caching allocator and 64-byte aligned.
class Scratch {
 public:
  explicit Scratch(std::int64_t floats)
      : memory_(allocate_host(static_cast<std::size_t>(floats) * sizeof(float))) {}
  float* data() { return reinterpret_cast<float*>(memory_.get()); }

 private:
  std::shared_ptr<std::byte> memory_;
};

}  // namespace satsuma::cpu

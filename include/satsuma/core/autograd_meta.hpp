#pragma once

#include <cstdint>
#include <memory>

#include "satsuma/core/tensor.hpp"

namespace satsuma {

class Node;

/// What a tensor carries for autograd. `core` only stores it; `autograd/` gives it meaning.
struct AutogradMeta {
  bool requires_grad = false;
  Tensor grad;                 ///< leaves only
  std::shared_ptr<Node> node;  ///< the operation that made the tensor; null for leaves
  /// The elements in bf16 as long as an operation keeps them, and Tensor::version() of what they were made
  /// of.
  std::weak_ptr<const Tensor> narrow;
  std::uint64_t narrow_version = 0;
};

}  // namespace satsuma

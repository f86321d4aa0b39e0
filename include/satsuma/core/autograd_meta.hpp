#pragma once

#include <memory>

#include "satsuma/core/tensor.hpp"

namespace satsuma {

class Node;

/// What a tensor carries for autograd. `core` only stores it; `autograd/` gives it meaning.
struct AutogradMeta {
  bool requires_grad = false;
  Tensor grad;                 ///< leaves only
  std::shared_ptr<Node> node;  ///< the operation that made the tensor; null for leaves
};

}  // namespace satsuma

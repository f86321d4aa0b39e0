#pragma once

#include "satsuma/nn/module.hpp"

namespace satsuma::nn {

/// Modules one after the other, named `0`, `1`, ... in the order in which they were appended.
class Sequential : public Module {
 public:
  /// `recompute`: each layer is run by checkpoint().
  explicit Sequential(bool recompute = false) : recompute_(recompute) {}

  template <typename M>
  std::shared_ptr<M> append(std::shared_ptr<M> layer) {
    layers_.push_back(layer);
    return add(std::to_string(layers_.size() - 1), std::move(layer));
  }

  Tensor forward(const Tensor& x) override;

 private:
  bool recompute_;
  std::vector<std::shared_ptr<Module>> layers_;
};

}  // namespace satsuma::nn

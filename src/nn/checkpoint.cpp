#include "satsuma/nn/checkpoint.hpp"

#include <utility>
#include <vector>

#include "satsuma/autograd/backward.hpp"
#include "satsuma/autograd/node.hpp"
#include "satsuma/autograd/saved_precision.hpp"

namespace satsuma::nn {

namespace {

std::vector<std::uint64_t> positions_of(const std::vector<std::shared_ptr<Rng>>& generators) {
  std::vector<std::uint64_t> positions;
  for (const auto& rng : generators) positions.push_back(rng->position());
  return positions;
}

void seek(const std::vector<std::shared_ptr<Rng>>& generators, const std::vector<std::uint64_t>& positions) {
  for (std::size_t i = 0; i < generators.size(); ++i) generators[i]->seek(positions[i]);
}

/// The elements of `x` as a tensor that a graph begins with.
Tensor as_leaf(const Tensor& x, bool requires_grad) {
  Tensor leaf = x.detach();
  if (requires_grad) leaf.set_requires_grad();
  return leaf;
}

/// Puts back, at the end of a scope, what a forward pass moves: running statistics and generators.
class Unmoved {
 public:
  explicit Unmoved(const Module& module)
      : buffers_(module.buffers()), generators_(module.generators()), positions_(positions_of(generators_)) {
    for (const NamedTensor& buffer : buffers_) values_.push_back(buffer.value.clone());
  }
  ~Unmoved() {
    for (std::size_t i = 0; i < buffers_.size(); ++i) buffers_[i].value.copy_from(values_[i]);
    seek(generators_, positions_);
  }
  Unmoved(const Unmoved&) = delete;
  Unmoved& operator=(const Unmoved&) = delete;

 private:
  std::vector<NamedTensor> buffers_;
  std::vector<Tensor> values_;
  std::vector<std::shared_ptr<Rng>> generators_;
  std::vector<std::uint64_t> positions_;
};

}  // namespace

Tensor checkpoint(const std::shared_ptr<Module>& module, const Tensor& x) {
  if (tracing()) return trace_checkpoint([&] { return (*module)(x); });
  if (!grad_enabled() || !x.has_storage()) return (*module)(x);
  std::vector<Tensor> inputs = {x};
  for (const Parameter& parameter : module->parameters()) inputs.push_back(parameter.value);
  const std::vector<std::uint64_t> positions = positions_of(module->generators());
  // Recorded, not under NoGrad, so that every op does exactly what it will do again; the history goes with
  // the result that has it.
  const Tensor y = (*module)(as_leaf(x, x.requires_grad())).detach();
  return record({"checkpoint", inputs}, y, [&]() -> Backward {
    return [module, positions, kept = x.detach(), precision = saved_precision(), count = inputs.size()](
               const Tensor& grad, const std::vector<bool>& needs) {
      std::vector<Tensor> result(count);
      const Tensor leaf = as_leaf(kept, needs[0]);
      {
        const Unmoved unmoved(*module);
        seek(module->generators(), positions);
        const Recording recording;
        const SavedPrecision same(precision);
        const Tensor again = (*module)(leaf);
        // Adds the gradients of parameters where they belong.
        backward(again, grad);
      }
      result[0] = leaf.grad();
      return result;
    };
  });
}

}  // namespace satsuma::nn

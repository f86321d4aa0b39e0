#include "satsuma/autograd/backward.hpp"

#include <fmt/core.h>

#include <unordered_map>

#include "satsuma/autograd/node.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/core/parallel.hpp"
#include "satsuma/core/profile.hpp"

namespace satsuma {

namespace {

/// How many recorded uses of its output each node under `root` still waits for; and of each leaf, where that
/// is asked for.
std::unordered_map<Node*, int> count_uses(Node* root, std::unordered_map<AutogradMeta*, int>* leaves) {
  std::unordered_map<Node*, int> uses;
  std::vector<Node*> stack = {root};
  uses[root] = 0;
  while (!stack.empty()) {
    Node* const node = stack.back();
    stack.pop_back();
    for (const auto& input : node->inputs()) {
      if (!input) continue;
      if (!input->node) {
        if (leaves) ++(*leaves)[input.get()];
        continue;
      }
      Node* const producer = input->node.get();
      const auto [entry, first] = uses.try_emplace(producer, 0);
      ++entry->second;
      if (first) stack.push_back(producer);
    }
  }
  return uses;
}

/// A sum under construction: the first gradient is borrowed, the second makes a buffer of our own.
struct Sum {
  Tensor value;
  bool owned = false;
};

void accumulate(Sum& sum, const Tensor& term) {
  if (!sum.value.defined()) {
    sum.value = term;
    return;
  }
  if (!(sum.value.shape() == term.shape())) {
    throw ShapeError(fmt::format("[backward] gradients of one tensor have shapes {} and {}",
                                 to_string(sum.value.shape()), to_string(term.shape())));
  }
  Tensor total = sum.owned ? sum.value : Tensor::empty_like(sum.value);
  dispatch_real("backward", total.dtype(), [&](auto element) {
    using T = decltype(element);
    const Tensor left = sum.value.in_layout_of(total);
    const Tensor right = term.to(total.dtype()).in_layout_of(total);
    const T* const a = left.data<T>();
    const T* const b = right.data<T>();
    T* const to = total.data<T>();
    parallel_for(total.extent(), 1 << 14, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) to[i] = a[i] + b[i];
    });
  });
  sum = {total, true};
}

}  // namespace

void backward(const Tensor& output, const Tensor& seed, const OnGradient& on_gradient) {
  const auto& meta = output.autograd();
  if (!meta || !meta->node) {
    throw Error(
        "backward() got a tensor that no recorded operation made; nothing under it requires a gradient");
  }
  Tensor first = seed;
  if (!first.defined()) {
    if (output.numel() != 1) {
      throw ShapeError(fmt::format("backward() got shape {}, expected one element or a seed gradient",
                                   to_string(output.shape())));
    }
    first = Tensor::full(output.shape(), 1.0, output.dtype());
  }

  const NoGrad no_grad;
  std::unordered_map<AutogradMeta*, int> leaf_uses;
  std::unordered_map<Node*, int> uses = count_uses(meta->node.get(), on_gradient ? &leaf_uses : nullptr);
  std::unordered_map<Node*, Sum> sums;
  std::unordered_map<AutogradMeta*, Sum> leaves;
  // Nodes in `ready` have all their gradients; the vector keeps them alive while their consumers' edges are
  // dropped.
  std::vector<std::shared_ptr<Node>> ready = {meta->node};
  accumulate(sums[meta->node.get()], first);

  while (!ready.empty()) {
    const std::shared_ptr<Node> node = std::move(ready.back());
    ready.pop_back();
    const auto sum = sums.extract(node.get());
    std::vector<Tensor> grads;
    // A node whose consumers all answered "no gradient" has nothing to pass on, but its inputs still wait for
    // it.
    if (sum && sum.mapped().value.defined()) {
      grads = node->run(sum.mapped().value);
      lap(Phase::backward, node->name());
    } else {
      grads.resize(node->inputs().size());
    }
    if (grads.size() != node->inputs().size()) {
      throw Error(fmt::format("the derivative of '{}' returned {} gradients for {} inputs", node->name(),
                              grads.size(), node->inputs().size()));
    }
    for (std::size_t i = 0; i < grads.size(); ++i) {
      const auto& input = node->inputs()[i];
      if (!input) continue;
      if (!input->node) {
        if (grads[i].defined()) {
          Sum& leaf = leaves[input.get()];
          // The gradient of an earlier backward() may share its elements with another tensor: not ours to
          // write to.
          if (!leaf.value.defined() && input->grad.defined()) leaf = {input->grad, false};
          accumulate(leaf, grads[i]);
          input->grad = leaf.value;
        }
        // What ran inside of the node, a checkpoint, may have given the gradient.
        if (on_gradient && --leaf_uses[input.get()] == 0 && input->grad.defined()) on_gradient(*input);
        continue;
      }
      if (grads[i].defined()) accumulate(sums[input->node.get()], grads[i]);
      if (--uses[input->node.get()] == 0) ready.push_back(input->node);
    }
    lap(Phase::backward, "sum of gradients");
  }
}

}  // namespace satsuma

#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "satsuma/autograd/trace.hpp"
#include "satsuma/core/autograd_meta.hpp"
#include "satsuma/core/tensor.hpp"

namespace satsuma {

/// Maps the gradient of an operation's output to the gradients of its inputs, one per input and in their
/// order; an undefined tensor where `needs[i]` is false. What the function captures are the operation's saved
/// tensors: capture detached ones, and no more than the derivative needs; they are released as soon as the
/// function has run.
using Backward = std::function<std::vector<Tensor>(const Tensor& grad, const std::vector<bool>& needs)>;

/// One recorded operation: an edge to each input's own node, and the derivative.
class Node {
 public:
  Node(std::string_view name, std::span<const Tensor> inputs, Backward backward);
  /// Takes the chain of nodes that only this one holds apart in a loop: a graph may be longer than the stack.
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  std::string_view name() const { return name_; }
  /// What is known of each input; null for a constant.
  const std::vector<std::shared_ptr<AutogradMeta>>& inputs() const { return inputs_; }
  /// Runs the derivative and releases the saved tensors. Throws Error when called a second time.
  std::vector<Tensor> run(const Tensor& grad);

 private:
  std::string_view name_;
  std::vector<std::shared_ptr<AutogradMeta>> inputs_;
  Backward backward_;
};

/// True while operations are recorded on this thread.
bool grad_enabled();

/// Switches recording off for a scope (evaluation).
class NoGrad {
 public:
  NoGrad();
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool before_;
};

/// Switches recording on for a scope: inside of backward(), which runs without it.
class Recording {
 public:
  Recording();
  ~Recording();
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

 private:
  bool before_;
};

/// True when recording is on and any of `inputs` requires a gradient: whether an op has to save anything.
bool needs_grad(std::initializer_list<Tensor> inputs);

/// An op as it is about to run: its name (a literal), its inputs (undefined for one that is left out), and
/// what else decides its result.
struct Operation {
  std::string_view name;
  std::vector<Tensor> inputs;
  Attributes attributes = {};
};

/// The end of every op, once it has checked its inputs and made an empty `output` in the right shape and
/// layout. `compute` fills the output and returns the derivative (an empty one: no gradient passes),
/// which ties the output to the inputs when recording is on and one of them requires a gradient. A traced op
/// is written down instead, and neither it nor one whose output has no elements computes anything. Returns
/// `output`.
Tensor record(const Operation& operation, Tensor output, const std::function<Backward()>& compute);

}  // namespace satsuma

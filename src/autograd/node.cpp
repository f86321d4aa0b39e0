#include "satsuma/autograd/node.hpp"

#include <fmt/core.h>

#include "satsuma/core/error.hpp"
#include "satsuma/core/profile.hpp"

namespace satsuma {

namespace {

thread_local bool recording = true;

/// Metas whose destruction was put off by the Node destructor that runs the loop; null outside of it.
thread_local std::vector<std::shared_ptr<AutogradMeta>>* pending = nullptr;

}  // namespace

Node::Node(std::string_view name, std::span<const Tensor> inputs, Backward backward)
    : name_(name), backward_(std::move(backward)) {
  inputs_.reserve(inputs.size());
  for (const Tensor& input : inputs) {
    const bool tracked = input.defined() && input.requires_grad();
    inputs_.push_back(tracked ? input.autograd() : nullptr);
  }
}

Node::~Node() {
  if (pending != nullptr) {
    for (auto& input : inputs_) pending->push_back(std::move(input));
    return;
  }
  std::vector<std::shared_ptr<AutogradMeta>> chain = std::move(inputs_);
  pending = &chain;
  while (!chain.empty()) {
    const std::shared_ptr<AutogradMeta> last = std::move(chain.back());
    chain.pop_back();
  }
  pending = nullptr;
}

std::vector<Tensor> Node::run(const Tensor& grad) {
  if (!backward_) {
    throw Error(fmt::format(
        "backward() came to '{}' a second time; its saved tensors are gone, run forward again", name_));
  }
  const Backward derivative = std::move(backward_);
  backward_ = nullptr;
  std::vector<bool> needs;
  for (const auto& input : inputs_) needs.push_back(input != nullptr);
  return derivative(grad, needs);
}

bool grad_enabled() {
  return recording;
}

NoGrad::NoGrad() : before_(recording) {
  recording = false;
}
NoGrad::~NoGrad() {
  recording = before_;
}

Recording::Recording() : before_(recording) {
  recording = true;
}
Recording::~Recording() {
  recording = before_;
}

namespace {

bool any_requires_grad(std::span<const Tensor> inputs) {
  for (const Tensor& input : inputs) {
    if (input.defined() && input.requires_grad()) return recording;
  }
  return false;
}

}  // namespace

bool needs_grad(std::initializer_list<Tensor> inputs) {
  return any_requires_grad(std::span<const Tensor>(inputs.begin(), inputs.size()));
}

Tensor record(const Operation& operation, Tensor output, const std::function<Backward()>& compute) {
  if (traced(operation, output) || !output.has_storage()) return output;
  Backward backward = compute();
  if (recording) lap(Phase::forward, operation.name);
  if (!backward || !any_requires_grad(operation.inputs)) return output;
  auto meta = std::make_shared<AutogradMeta>();
  meta->node = std::make_shared<Node>(operation.name, operation.inputs, std::move(backward));
  output.set_autograd(std::move(meta));
  return output;
}

}  // namespace satsuma

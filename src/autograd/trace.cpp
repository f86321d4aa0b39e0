#include "satsuma/autograd/trace.hpp"

#include <fmt/core.h>

#include "satsuma/autograd/node.hpp"
#include "satsuma/core/error.hpp"

namespace satsuma {

namespace {

thread_local Tracing* active = nullptr;

}  // namespace

void Trace::Op::refuse(std::string_view attribute) const {
  throw Error(fmt::format("the traced op '{}' has no attribute '{}' of the type that was asked for", kind,
                          attribute));
}

int Trace::find(const Tensor& tensor) const {
  const auto found = indices_.find(tensor.identity());
  return found == indices_.end() ? -1 : found->second;
}

int Trace::declare(const Tensor& tensor, Source source, std::string name) {
  const auto [entry, added] = indices_.try_emplace(tensor.identity(), static_cast<int>(values_.size()));
  if (added) values_.push_back({tensor, std::move(name), source, tensor.requires_grad()});
  return entry->second;
}

void Trace::add(const Operation& operation, std::string layer, const Tensor& output) {
  Op op{operation.name, std::move(layer), {}, -1, operation.attributes, -1};
  bool needs_grad = false;
  for (const Tensor& input : operation.inputs) {
    op.inputs.push_back(input.defined() ? declare(input, Source::constant, {}) : -1);
    needs_grad |= op.inputs.back() >= 0 && value(op.inputs.back()).needs_grad;
  }
  op.output = declare(output, Source::op, {});
  values_[static_cast<std::size_t>(op.output)].needs_grad = needs_grad;
  ops_.push_back(std::move(op));
}

void Trace::add_checkpoint(std::size_t first, const Tensor& output) {
  const int last = find(output);
  if (last < 0 || !value(last).needs_grad) return;
  for (std::size_t i = first; i < ops_.size(); ++i) ops_[i].checkpoint = checkpoints_;
  ++checkpoints_;
}

Tracing::Tracing(Trace& into) : trace_(into) {
  if (active) throw Error("this thread is traced already");
  active = this;
}

Tracing::~Tracing() {
  active = nullptr;
}

bool tracing() {
  return active != nullptr;
}

Tensor trace_checkpoint(const std::function<Tensor()>& module) {
  Trace& trace = active->trace_;
  const std::size_t first = trace.ops().size();
  const Tensor y = module();
  trace.add_checkpoint(first, y);
  return y;
}

TraceScope::TraceScope(std::string path) : outer_(std::move(path)) {
  if (active) active->layer_.swap(outer_);
}

TraceScope::~TraceScope() {
  if (active) active->layer_ = std::move(outer_);
}

bool traced(const Operation& operation, const Tensor& output) {
  if (!active) return false;
  active->trace_.add(operation, active->layer_, output);
  return true;
}

}  // namespace satsuma

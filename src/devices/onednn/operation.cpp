#include "src/devices/onednn/operation.hpp"

#include <algorithm>
#include <string_view>

namespace satsuma::onednn {

namespace {

using dnnl::memory;

constexpr auto kAny = memory::format_tag::any;
constexpr auto kChannelsLast = memory::format_tag::nhwc;
constexpr auto kF32 = memory::data_type::f32;

/// More than the passes of the deepest models on two sizes of batches.
constexpr std::size_t kMostOperations = 2048;

memory::dims dims_of(const Shape& shape) {
  return {shape[0], shape[1], shape[2], shape[3]};
}

/// [K, C, R, S], with several groups of channels [groups, K / groups, C / groups, R, S].
memory::dims weight_dims(const Geometry& g) {
  if (g.groups == 1) return {g.out_channels, g.in_channels, g.kernel[0], g.kernel[1]};
  return {g.groups, g.out_channels / g.groups, g.in_channels / g.groups, g.kernel[0], g.kernel[1]};
}

/// A weight as we have it: K, R, S, C.
memory::desc our_weight(const Geometry& g) {
  const std::int64_t c = g.in_channels / g.groups, s = c * g.kernel[1], r = s * g.kernel[0];
  if (g.groups == 1) return {weight_dims(g), kF32, memory::dims{r, 1, s, c}};
  return {weight_dims(g), kF32, memory::dims{g.out_channels / g.groups * r, r, 1, s, c}};
}

/// Operands of a pass: what it makes is f32, what it multiplies may be narrower.
Operands operands_of(const Work& work, memory::format_tag tag) {
  const auto narrow = work.operands == DType::bf16 ? memory::data_type::bf16 : kF32;
  const auto type = [&](Pass makes) { return work.pass == makes ? kF32 : narrow; };
  Operands operands = {{dims_of(work.x), type(Pass::bp), tag},
                       {weight_dims(work.geometry), type(Pass::wu), kAny},
                       {dims_of(work.y), type(Pass::ff), tag}};
  if (work.bias) operands.bias = {{work.geometry.out_channels}, kF32, memory::format_tag::a};
  return operands;
}

Window window_of(const Geometry& g) {
  return {{g.stride[0], g.stride[1]}, {g.dilation[0] - 1, g.dilation[1] - 1}, {g.padding[0], g.padding[1]}};
}

dnnl::primitive_attr attributes() {
  dnnl::primitive_attr attributes;
  // Memory of ours, so that it is counted and kept for the next call.
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

/// The description of the pass, to `use`.
template <typename Use>
Operation describe(const dnnl::engine& engine, const Work& work, memory::format_tag tag, Use&& use) {
  const Operands operands = operands_of(work, tag);
  const Window window = window_of(work.geometry);
  Operation made;
  if (work.pass == Pass::ff) {
    const auto found = onednn::forward(engine, operands, window, attributes());
    made.x = {DNNL_ARG_SRC, {}, found.src_desc(), {}};
    made.w = {DNNL_ARG_WEIGHTS, {}, found.weights_desc(), {}};
    made.y = {DNNL_ARG_DST, {}, found.dst_desc(), {}};
    use(made, found);
    return made;
  }
  Work ahead = work;
  ahead.pass = Pass::ff;
  const auto hint = onednn::forward(engine, operands_of(ahead, tag), window);
  if (work.pass == Pass::bp) {
    const auto found = onednn::backward_data(engine, operands, window, hint, attributes());
    made.x = {DNNL_ARG_DIFF_SRC, {}, found.diff_src_desc(), {}};
    made.w = {DNNL_ARG_WEIGHTS, {}, found.weights_desc(), {}};
    made.y = {DNNL_ARG_DIFF_DST, {}, found.diff_dst_desc(), {}};
    use(made, found);
    return made;
  }
  const auto found = onednn::backward_weights(engine, operands, window, hint, attributes());
  made.x = {DNNL_ARG_SRC, {}, found.src_desc(), {}};
  made.w = {DNNL_ARG_DIFF_WEIGHTS, {}, found.diff_weights_desc(), {}};
  made.y = {DNNL_ARG_DIFF_DST, {}, found.diff_dst_desc(), {}};
  use(made, found);
  return made;
}

/// The operation with activations in a format, and whether that is one of oneDNN's plain loops.
std::pair<Operation, bool> made_for(const dnnl::engine& engine, const Work& work, memory::format_tag tag) {
  bool plain = false;
  Operation operation = describe(engine, work, tag, [&](Operation& made, const auto& found) {
    made.primitive = dnnl::primitive(found.get());
    made.scratch = found.scratchpad_desc();
    plain = std::string_view(found.impl_info_str()).starts_with("ref");
  });
  return {std::move(operation), plain};
}

void connect(const dnnl::engine& engine, Operand& operand, const memory::desc& ours, bool result) {
  operand.ours = ours;
  if (!operand.moves()) return;
  const memory::desc& from = result ? operand.theirs : operand.ours;
  const memory::desc& to = result ? operand.ours : operand.theirs;
  operand.reorder = dnnl::reorder(dnnl::reorder::primitive_desc(engine, from, engine, to));
}

}  // namespace

Operation make_operation(const dnnl::engine& engine, const Work& work) {
  auto [operation, plain] = made_for(engine, work, kChannelsLast);
  if (plain) operation = made_for(engine, work, kAny).first;
  connect(engine, operation.x, {dims_of(work.x), kF32, kChannelsLast}, work.pass == Pass::bp);
  connect(engine, operation.w, our_weight(work.geometry), work.pass == Pass::wu);
  connect(engine, operation.y, {dims_of(work.y), kF32, kChannelsLast}, work.pass == Pass::ff);
  return operation;
}

const Operation& Operations::of(const Work& work) {
  ++clock_;
  for (Made& made : made_) {
    if (!(made.work == work)) continue;
    made.used = clock_;
    return made.operation;
  }
  if (made_.size() == kMostOperations) {
    made_.erase(std::min_element(made_.begin(), made_.end(),
                                 [](const Made& a, const Made& b) { return a.used < b.used; }));
  }
  made_.push_back({work, make_operation(engine_, work), clock_});
  return made_.back().operation;
}

}  // namespace satsuma::onednn

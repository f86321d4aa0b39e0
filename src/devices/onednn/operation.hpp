#pragma once

#include <vector>

#include "satsuma/device/plan.hpp"
#include "src/onednn/versions.hpp"

namespace satsuma::onednn {

/// A pass of a layer over a batch, as far as the primitive that computes it depends on that.
struct Work {
  Pass pass;
  Geometry geometry;
  DType operands;  ///< f32 or bf16; what the pass makes is f32
  Shape x;         ///< [N, C, H, W]
  Shape y;         ///< [N, K, P, Q]
  bool bias;       ///< of FF
  int threads;     ///< a primitive divides its work when it is made

  bool operator==(const Work& other) const = default;
};

/// One operand: how it lies with us, how the primitive wants it, and the way from one to the other.
struct Operand {
  int argument = 0;
  dnnl::memory::desc ours;
  dnnl::memory::desc theirs;
  dnnl::reorder reorder;  ///< of inputs to `theirs`, of the result to `ours`; none where these are equal

  bool moves() const { return ours != theirs; }
};

/// A primitive of oneDNN with its operands.
struct Operation {
  dnnl::primitive primitive;
  Operand x, w, y;
  dnnl::memory::desc scratch;
};

/// The convolution that `work` is. Activations stay channels-last where oneDNN has an implementation for
/// that; the weight lies as that implementation likes it. Throws dnnl::error where it has none.
Operation make_operation(const dnnl::engine& engine, const Work& work);

/// Operations that were made. The least recently used one goes when there are more than a large model has.
class Operations {
 public:
  explicit Operations(dnnl::engine engine) : engine_(std::move(engine)) {}
  const Operation& of(const Work& work);

 private:
  struct Made {
    Work work;
    Operation operation;
    std::uint64_t used;
  };

  dnnl::engine engine_;
  std::vector<Made> made_;
  std::uint64_t clock_ = 0;
};

}  // namespace satsuma::onednn

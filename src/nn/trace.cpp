#include "satsuma/nn/trace.hpp"

namespace satsuma::nn {

namespace {

/// Evaluation mode for a scope.
class Evaluation {
 public:
  explicit Evaluation(Module& module) : module_(module), before_(module.training()) { module_.train(false); }
  ~Evaluation() { module_.train(before_); }
  Evaluation(const Evaluation&) = delete;
  Evaluation& operator=(const Evaluation&) = delete;

 private:
  Module& module_;
  bool before_;
};

}  // namespace

Trace trace(Module& module, const Shape& input) {
  Trace result;
  for (const Parameter& parameter : module.parameters())
    result.declare(parameter.value, Trace::Source::parameter, parameter.name);
  for (const NamedTensor& buffer : module.buffers())
    result.declare(buffer.value, Trace::Source::buffer, buffer.name);

  const Evaluation evaluation(module);
  const Tracing tracing(result);
  const Tensor image = Tensor::empty(input, DType::f32, MemoryFormat::batch_blocked);
  result.declare(image, Trace::Source::input, "input");
  result.set_output(module(image));
  return result;
}

}  // namespace satsuma::nn

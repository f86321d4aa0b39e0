#include "satsuma/ops/activation.hpp"

#include "src/ops/elementwise.hpp"

namespace satsuma::ops {

Tensor relu(const Tensor& x) {
  Tensor y =
      map("relu", dense(x), [](const auto& k, auto* from, auto* to, std::int64_t n) { k.relu(from, to, n); });
  if (!needs_grad({x})) return y;
  return record("relu", {x}, y, [y = y.detach()](const Tensor& g, const std::vector<bool>&) {
    return std::vector<Tensor>{relu_grad(y, g)};
  });
}

Tensor gelu(const Tensor& x) {
  const Tensor from = dense(x);
  Tensor y = map("gelu", from, [](const auto& k, auto* a, auto* to, std::int64_t n) { k.gelu(a, to, n); });
  if (!needs_grad({x})) return y;
  return record("gelu", {x}, y, [from](const Tensor& g, const std::vector<bool>&) {
    return std::vector<Tensor>{map(
        "gelu", from, arranged_as(from, g),
        [](const auto& k, auto* a, auto* grad, auto* to, std::int64_t n) { k.gelu_grad(a, grad, to, n); })};
  });
}

}  // namespace satsuma::ops

#include "satsuma/ops/activation.hpp"

#include "src/ops/elementwise.hpp"

namespace satsuma::ops {

Tensor relu(const Tensor& x) {
  check_real("relu", x);
  const Tensor from = dense(x);
  Tensor y = Tensor::empty_like(from);
  return record({"relu", {x}}, y, [&]() -> Backward {
    map("relu", from, y, [](const auto& k, auto* a, auto* to, std::int64_t n) { k.relu(a, to, n); });
    return [y = y.detach()](const Tensor& g, const std::vector<bool>&) {
      return std::vector<Tensor>{relu_grad(y, g)};
    };
  });
}

Tensor gelu(const Tensor& x) {
  check_real("gelu", x);
  const Tensor from = dense(x);
  Tensor y = Tensor::empty_like(from);
  return record({"gelu", {x}}, y, [&]() -> Backward {
    map("gelu", from, y, [](const auto& k, auto* a, auto* to, std::int64_t n) { k.gelu(a, to, n); });
    return [from](const Tensor& g, const std::vector<bool>&) {
      Tensor dx = Tensor::empty_like(from);
      map("gelu", from, arranged_as(from, g), dx,
          [](const auto& k, auto* a, auto* grad, auto* to, std::int64_t n) { k.gelu_grad(a, grad, to, n); });
      return std::vector<Tensor>{dx};
    };
  });
}

}  // namespace satsuma::ops

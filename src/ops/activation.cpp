#include "satsuma/ops/activation.hpp"

#include "src/ops/elementwise.hpp"

namespace satsuma::ops {

Tensor relu(const Tensor& x) {
  check_real("relu", x);
  const Tensor from = dense(x);
  Tensor y = Tensor::empty_like(from);
  SavedTensor saved;
  const Tensor output = record({"relu", {x}}, y, [&]() -> Backward {
    map("relu", from, y, [](const auto& k, auto* a, auto* to, std::int64_t n) { k.relu(a, to, n); });
    if (!needs_grad({x})) return {};
    saved = SavedTensor(y);
    return [saved](const Tensor& g, const std::vector<bool>&) {
      return std::vector<Tensor>{relu_grad(saved, g)};
    };
  });
  saved.share_with(output);
  return output;
}

Tensor gelu(const Tensor& x) {
  check_real("gelu", x);
  const Tensor from = dense(x);
  Tensor y = Tensor::empty_like(from);
  return record({"gelu", {x}}, y, [&]() -> Backward {
    map("gelu", from, y, [](const auto& k, auto* a, auto* to, std::int64_t n) { k.gelu(a, to, n); });
    if (!needs_grad({x})) return {};
    return [saved = SavedTensor(from)](const Tensor& g, const std::vector<bool>&) {
      return std::vector<Tensor>{
          map_saved("gelu", saved, g, [](const auto& k, auto* a, auto* grad, auto* to, std::int64_t n) {
            if constexpr (is_bits<decltype(a)>) {
              k.gelu_grad_narrow(a, grad, to, n);
            } else {
              k.gelu_grad(a, grad, to, n);
            }
          })};
    };
  });
}

}  // namespace satsuma::ops

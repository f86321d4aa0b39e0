#include <doctest/doctest.h>

#include <vector>

#include "satsuma/autograd/backward.hpp"
#include "satsuma/ops/arithmetic.hpp"

namespace satsuma {

TEST_CASE("a leaf is announced once, when nothing will be added to its gradient") {
  Tensor a = Tensor::from(std::vector<float>{2}, {1});
  Tensor b = Tensor::from(std::vector<float>{3}, {1});
  Tensor unused = Tensor::from(std::vector<float>{5}, {1});
  for (Tensor* const leaf : {&a, &b, &unused}) leaf->set_requires_grad();
  // a is used at both ends of the graph, b at its beginning alone: d/da (a (a b) + a) = 2 a b + 1.
  const Tensor y = ops::add(ops::mul(a, ops::mul(a, b)), a);
  std::vector<const AutogradMeta*> told;
  std::vector<double> gradients;
  backward(y, {}, [&](const AutogradMeta& leaf) {
    told.push_back(&leaf);
    gradients.push_back(leaf.grad.item());
  });
  REQUIRE(told.size() == 2);
  const std::size_t of_a = told[0] == a.autograd().get() ? 0 : 1;
  CHECK(told[of_a] == a.autograd().get());
  CHECK(told[1 - of_a] == b.autograd().get());
  CHECK(gradients[of_a] == 13);
  CHECK(gradients[1 - of_a] == 4);
  CHECK(a.grad().item() == 13);
}

}  // namespace satsuma

#include "datasets/registry.hpp"

#include <array>

#include "datasets/mnist.hpp"
#include "datasets/synthetic.hpp"
#include "satsuma/core/nearest.hpp"

namespace satsuma::datasets {

std::span<const Entry> entries() {
  static const std::array table = {fashion_mnist(), mnist(), synthetic()};
  return table;
}

const Entry& find(std::string_view name) {
  return find_named("data set", name, entries(), &Entry::name);
}

}  // namespace satsuma::datasets

#include "datasets/registry.hpp"

#include <array>

#include "datasets/mnist.hpp"
#include "datasets/synthetic.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/core/nearest.hpp"

namespace satsuma::datasets {

std::span<const Entry> entries() {
  static const std::array table = {fashion_mnist(), mnist(), synthetic()};
  return table;
}

const Entry& find(std::string_view name) {
  std::vector<std::string_view> known;
  for (const Entry& entry : entries()) {
    if (entry.name == name) return entry;
    known.push_back(entry.name);
  }
  throw UsageError(unknown_name("data set", name, known));
}

}  // namespace satsuma::datasets

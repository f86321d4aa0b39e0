#include <array>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/core/nearest.hpp"
#include "src/optim/kinds.hpp"

namespace satsuma::optim {

std::span<const Kind* const> optimizers() {
  static constexpr std::array<const Kind*, 4> kKinds = {&kSgd, &kAdam, &kAdamW, &kLamb};
  return kKinds;
}

const Kind& find_optimizer(std::string_view name) {
  std::vector<std::string_view> known;
  for (const Kind* const kind : optimizers()) {
    if (kind->name == name) return *kind;
    known.push_back(kind->name);
  }
  throw UsageError(unknown_name("optimizer", name, known));
}

}  // namespace satsuma::optim

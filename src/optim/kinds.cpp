#include <array>

#include "satsuma/core/nearest.hpp"
#include "src/optim/kinds.hpp"

namespace satsuma::optim {

std::span<const Kind* const> optimizers() {
  static constexpr std::array<const Kind*, 4> kKinds = {&kSgd, &kAdam, &kAdamW, &kLamb};
  return kKinds;
}

const Kind& find_optimizer(std::string_view name) {
  return *find_named("optimizer", name, optimizers(), &Kind::name);
}

}  // namespace satsuma::optim

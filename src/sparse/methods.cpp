#include <array>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/core/nearest.hpp"
#include "src/sparse/methods/methods.hpp"

namespace satsuma {

std::span<const Method* const> methods() {
  static constexpr std::array<const Method*, 5> kMethods = {&kDense, &kSrSte, &kSdgp, &kSdwp, &kBdwp};
  return kMethods;
}

const Method& find_method(std::string_view name) {
  std::vector<std::string_view> known;
  for (const Method* const method : methods()) {
    if (method->name == name) return *method;
    known.push_back(method->name);
  }
  throw UsageError(unknown_name("method", name, known));
}

}  // namespace satsuma

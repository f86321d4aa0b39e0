#include "satsuma/data/dataset.hpp"

#include <fmt/core.h>

namespace satsuma::data {

std::string Dataset::name(std::int64_t index) const {
  return fmt::format("image {}", index);
}

}  // namespace satsuma::data

#include "satsuma/data/subset.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "satsuma/core/error.hpp"

namespace satsuma::data {

Subset::Subset(std::shared_ptr<const Dataset> whole, std::vector<std::int64_t> indices)
    : whole_(std::move(whole)), indices_(std::move(indices)) {
  const std::int64_t size = whole_->size();
  for (const std::int64_t index : indices_) {
    if (index < 0 || index >= size)
      throw UsageError(fmt::format("[subset] got image {} of a data set of {} images", index, size));
  }
}

std::shared_ptr<const Dataset> first_images(std::shared_ptr<const Dataset> whole, std::int64_t count) {
  if (count >= whole->size()) return whole;
  std::vector<std::int64_t> indices(static_cast<std::size_t>(count));
  std::iota(indices.begin(), indices.end(), std::int64_t{0});
  return std::make_shared<Subset>(std::move(whole), std::move(indices));
}

}  // namespace satsuma::data

#include "satsuma/data/split.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "satsuma/core/error.hpp"
#include "satsuma/data/subset.hpp"
#include "src/core/fnv.hpp"

namespace satsuma::data {

namespace {

/// How much of all keys is the directory that they are in.
std::size_t common_directory(const Dataset& dataset) {
  const std::string first = dataset.key(0);
  std::size_t common = first.rfind('/') + 1;
  for (std::int64_t i = 1; common > 0 && i < dataset.size(); ++i) {
    const std::string key = dataset.key(i);
    while (common > 0 && key.compare(0, common, first, 0, common) != 0)
      common = common < 2 ? 0 : first.rfind('/', common - 2) + 1;
  }
  return common;
}

/// FNV-1a, then the finaliser of SplitMix64, without which names that differ at their ends would sort as they
/// are.
std::uint64_t hash(std::string_view name, std::uint64_t seed) {
  std::uint64_t bits = fnv1a(name);
  bits ^= seed * 0x9E3779B97F4A7C15u;
  bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9u;
  bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EBu;
  return bits ^ (bits >> 31);
}

/// How many of `count` images of a class are kept.
std::size_t kept(std::size_t count, double share) {
  if (count < 2) return 0;
  const auto wanted = static_cast<std::size_t>(std::llround(share * static_cast<double>(count)));
  return std::clamp<std::size_t>(wanted, 1, count - 1);
}

}  // namespace

TrainAndValidation split_for_validation(std::shared_ptr<const Dataset> whole, double share,
                                        std::uint64_t seed) {
  using Keyed = std::pair<std::uint64_t, std::int64_t>;
  std::vector<std::vector<Keyed>> by_class(static_cast<std::size_t>(whole->classes()));
  const std::size_t directory = whole->size() > 0 ? common_directory(*whole) : 0;
  for (std::int64_t i = 0; i < whole->size(); ++i) {
    by_class.at(static_cast<std::size_t>(whole->label(i)))
        .emplace_back(hash(std::string_view(whole->key(i)).substr(directory), seed), i);
  }
  std::vector<char> is_kept(static_cast<std::size_t>(whole->size()));
  for (std::vector<Keyed>& images : by_class) {
    std::sort(images.begin(), images.end());
    for (std::size_t i = 0; i < kept(images.size(), share); ++i)
      is_kept[static_cast<std::size_t>(images[i].second)] = 1;
  }
  std::vector<std::int64_t> train;
  std::vector<std::int64_t> validation;
  for (std::int64_t i = 0; i < whole->size(); ++i)
    (is_kept[static_cast<std::size_t>(i)] != 0 ? validation : train).push_back(i);
  if (train.empty() || validation.empty()) {
    throw UsageError(
        fmt::format("--val-share {} of {} images in {} classes leaves {} to train on and {} for validation; "
                    "give --val-share 0",
                    share, whole->size(), whole->classes(), train.size(), validation.size()));
  }
  return {std::make_shared<Subset>(whole, std::move(train)),
          std::make_shared<Subset>(whole, std::move(validation))};
}

}  // namespace satsuma::data

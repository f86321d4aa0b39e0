#include "satsuma/train/same_data.hpp"

#include <fmt/core.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "satsuma/core/error.hpp"
#include "src/core/fnv.hpp"

namespace satsuma::train {

namespace {

/// What a rank has: images, and a digest of their names, labels and the classes.
struct Held {
  std::int64_t train = 0, validation = 0, test = 0;
  std::uint64_t digest = kFnvBasis;
  bool operator==(const Held&) const = default;
};

/// Of a list of texts: a zero byte ends each.
void add(std::uint64_t& digest, std::string_view text) {
  digest = fnv1a({"\0", 1}, fnv1a(text, digest));
}

std::int64_t add(std::uint64_t& digest, const data::Dataset* set) {
  if (set == nullptr) return 0;
  for (std::int64_t i = 0; i < set->size(); ++i) {
    // Its folder may be elsewhere on another host.
    add(digest, std::filesystem::path(set->key(i)).filename().string());
    add(digest, std::to_string(set->label(i)));
  }
  return set->size();
}

}  // namespace

void check_same_data(const ExperimentData& data, distributed::Communicator& ranks) {
  if (ranks.size() == 1) return;
  Held own;
  for (const std::string& name : data.class_names) add(own.digest, name);
  for (const std::int64_t extent : data.input) add(own.digest, std::to_string(extent));
  own.train = add(own.digest, data.train.get());
  own.validation = add(own.digest, data.validation.get());
  own.test = add(own.digest, data.test.get());
  const std::vector<Held> all = ranks.gather(own);
  for (int r = 1; r < ranks.size(); ++r) {
    const Held& other = all[static_cast<std::size_t>(r)];
    if (other == all[0]) continue;
    const auto text = [](const Held& held) {
      return fmt::format("{} to train on, {} for validation, {} for the test", held.train, held.validation,
                         held.test);
    };
    throw UsageError(fmt::format(
        "ranks have different data: {} has {} images, {} has {}{}; each host needs the same pictures",
        ranks.name(0), text(all[0]), ranks.name(r), text(other),
        other.train == all[0].train && other.validation == all[0].validation && other.test == all[0].test
            ? " of other names or classes"
            : ""));
  }
}

}  // namespace satsuma::train

#include "satsuma/train/fit_weights.hpp"

#include <fmt/core.h>

#include <array>
#include <set>

#include "satsuma/core/error.hpp"

namespace satsuma::train {

namespace {

constexpr std::array<std::string_view, 3> kPrefixes = {"state_dict.", "module.", "model."};

/// All prefixes of `name` that consist of kPrefixes: `model.`, `model.module.`.
void add_prefixes(const std::string& name, std::set<std::string>& prefixes) {
  std::size_t end = 0;
  for (bool found = true; found;) {
    found = false;
    for (const std::string_view prefix : kPrefixes) {
      if (!std::string_view(name).substr(end).starts_with(prefix)) continue;
      end += prefix.size();
      prefixes.insert(name.substr(0, end));
      found = true;
      break;
    }
  }
}

template <typename Value>
void remove_prefix(const std::string& prefix, std::map<std::string, Value>& values) {
  std::map<std::string, Value> shorter;
  for (auto& [name, value] : values) {
    if (name.starts_with(prefix)) shorter.insert_or_assign(name.substr(prefix.size()), std::move(value));
  }
  // What is there without the prefix, too, is another tensor: the one among its own kind counts.
  for (auto& [name, value] : values) {
    if (!name.starts_with(prefix)) shorter.try_emplace(name, std::move(value));
  }
  values = std::move(shorter);
}

/// The prefix under which most of the model's names are found; of equal ones the shortest.
std::string prefix_of(const Checkpoint& checkpoint, const std::vector<nn::NamedTensor>& state) {
  std::set<std::string> prefixes;
  for (const auto& [name, value] : checkpoint.model) add_prefixes(name, prefixes);
  const auto found = [&](const std::string& prefix) {
    std::size_t count = 0;
    for (const nn::NamedTensor& own : state) count += checkpoint.model.count(prefix + own.name);
    return count;
  };
  std::string best;
  std::size_t most = found(best);
  for (const std::string& prefix : prefixes) {
    const std::size_t count = found(prefix);
    if (count < most || count == 0 || (count == most && prefix.size() >= best.size())) continue;
    best = prefix;
    most = count;
  }
  return best;
}

/// Where the file has another number of classes and all else is the same.
void refuse_classes(const std::string& name, const Shape& got, const Shape& expected) {
  if (got == expected || got.rank() != expected.rank()) return;
  for (int axis = 1; axis < got.rank(); ++axis) {
    if (got[axis] != expected[axis]) return;
  }
  throw FormatError(
      fmt::format("tensor '{}' got {}, expected {}: the head is one of {} classes, not {}; --new-head begins "
                  "with a new one",
                  name, to_string(got), to_string(expected), got[0], expected[0]));
}

}  // namespace

std::vector<std::string> fit_weights(Checkpoint& checkpoint, const nn::Module& model, bool new_head) try {
  std::vector<std::string> done;
  const std::vector<nn::NamedTensor> state = model.state();
  if (const std::string prefix = prefix_of(checkpoint, state); !prefix.empty()) {
    remove_prefix(prefix, checkpoint.model);
    remove_prefix(prefix, checkpoint.unread);
    done.push_back(fmt::format("names begin with '{}', which is left out", prefix));
  }
  const std::string head = model.contractions().back()->name();
  for (const nn::NamedTensor& own : state) {
    const bool of_head = own.name.starts_with(head + ".");
    const bool head_weight = own.name == head + ".weight";
    const auto found = checkpoint.model.find(own.name);
    if (of_head && new_head) {
      if (head_weight) {
        const bool there = found != checkpoint.model.end() && found->second.rank() > 0;
        done.push_back(fmt::format(
            "'{}' is a new head of {} classes{}", head, own.value.dim(0),
            there ? fmt::format("; the file's of {} is not used", found->second.dim(0)) : std::string()));
      }
      checkpoint.model.insert_or_assign(own.name, own.value.clone());
      checkpoint.unread.erase(own.name);
      continue;
    }
    if (found == checkpoint.model.end()) continue;
    if (head_weight) refuse_classes(own.name, found->second.shape(), own.value.shape());
    if (found->second.shape() == own.value.shape()) continue;
    const Tensor fitted = model.fitted(own.name, found->second);
    if (!fitted.defined() || !(fitted.shape() == own.value.shape())) continue;
    done.push_back(fmt::format("'{}' {} is resampled to {} for this resolution", own.name,
                               to_string(found->second.shape()), to_string(fitted.shape())));
    found->second = fitted;
  }
  return done;
} catch (const FormatError& error) {
  throw FormatError(fmt::format("{}: {}", checkpoint.path.string(), error.what()));
}

}  // namespace satsuma::train

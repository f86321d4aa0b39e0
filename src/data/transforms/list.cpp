#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <span>

#include "satsuma/core/nearest.hpp"
#include "satsuma/data/augment.hpp"

namespace satsuma::data {

namespace {

/// A number of a step: its range and default.
struct Number {
  std::string_view what;
  double least;
  double most;
  double normal;
  bool whole = false;
};

constexpr Number kPixels[] = {{"pixels", 0, 1024, 4, true}};
constexpr Number kFlip[] = {{"probability", 0, 1, 0.5}};
constexpr Number kSide[] = {{"side in pixels", 0, 65536, 0, true}};
constexpr Number kRandAugment[] = {{"number of changes", 1, 100, 2, true}, {"strength", 0, 30, 9, true}};
constexpr Number kJitter[] = {
    {"brightness", 0, 1, 0.4}, {"contrast", 0, 1, 0.4}, {"saturation", 0, 1, 0.4}, {"hue", 0, 0.5, 0}};
constexpr Number kErasing[] = {{"probability", 0, 1, 0.25}};
constexpr Number kMixup[] = {{"alpha", 1e-3, 1e3, 0.2}};
constexpr Number kCutmix[] = {{"alpha", 1e-3, 1e3, 1}};

struct Kind {
  std::string_view name;
  std::span<const Number> numbers;
  bool once = false;  ///< may be in a list once
};

const Kind kKinds[] = {{"none", {}, true},
                       {"standard", {}, true},
                       {"strong", {}, true},
                       {"pad-crop", kPixels},
                       {"flip", kFlip},
                       {"random-resized-crop", kSide, true},
                       {"trivial-augment", {}},
                       {"rand-augment", kRandAugment},
                       {"colour-jitter", kJitter},
                       {"random-erasing", kErasing, true},
                       {"mixup", kMixup, true},
                       {"cutmix", kCutmix, true}};

/// The number that `text` is, as far as it is one from end to end.
bool read_number(std::string_view text, double& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() && std::isfinite(number);
}

void check_number(const Kind& kind, const Number& number, double value) {
  if (value >= number.least && value <= number.most && (!number.whole || value == std::floor(value))) return;
  throw UsageError(fmt::format("--augment {} got {} as {}, expected {} from {} to {}", kind.name, value,
                               number.what, number.whole ? "a whole number" : "a number", number.least,
                               number.most));
}

void add_number(Augmentation::Step& step, std::string_view text) {
  const Kind& kind = find_named("augmentation", step.name, kKinds, &Kind::name);
  double value = 0;
  if (!read_number(text, value)) {
    throw UsageError(fmt::format("--augment {} got '{}', expected a number, for example {}:{}", kind.name,
                                 text, kind.name, kind.numbers.empty() ? 1 : kind.numbers.front().normal));
  }
  if (step.numbers.size() == kind.numbers.size()) {
    throw UsageError(
        fmt::format("--augment {} got a number {} too many, expected {}", kind.name, text,
                    kind.numbers.empty() ? "none" : fmt::format("at most {}", kind.numbers.size())));
  }
  check_number(kind, kind.numbers[step.numbers.size()], value);
  step.numbers.push_back(value);
}

/// Numbers that were not given. One number of the colours holds for the first three.
void fill(Augmentation::Step& step) {
  const Kind& kind = find_named("augmentation", step.name, kKinds, &Kind::name);
  const bool same = step.name == "colour-jitter" && step.numbers.size() == 1;
  for (std::size_t i = step.numbers.size(); i < kind.numbers.size(); ++i)
    step.numbers.push_back(same && i < 3 ? step.numbers.front() : kind.numbers[i].normal);
}

void check_list(const Augmentation& augment, std::string_view text) {
  for (const Kind& kind : kKinds) {
    const auto times = std::count_if(augment.steps.begin(), augment.steps.end(),
                                     [&](const auto& step) { return step.name == kind.name; });
    if (kind.once && times > 1)
      throw UsageError(fmt::format("--augment got '{}', expected {} at most once", text, kind.name));
    if (kind.name == "none" && times > 0 && augment.steps.size() > 1)
      throw UsageError(fmt::format("--augment got '{}', expected none alone", text));
  }
  if (augment.find("standard") != nullptr && augment.find("strong") != nullptr)
    throw UsageError(
        fmt::format("--augment got '{}', expected one of standard and strong, which holds it", text));
}

}  // namespace

const Augmentation::Step* Augmentation::find(std::string_view name) const {
  const auto found =
      std::find_if(steps.begin(), steps.end(), [&](const Step& step) { return step.name == name; });
  return found == steps.end() ? nullptr : &*found;
}

Augmentation Augmentation::expanded(bool resized) const {
  Augmentation result;
  for (const Step& step : steps) {
    if (step.name == "none") continue;
    if (step.name != "standard" && step.name != "strong") {
      result.steps.push_back(step);
      continue;
    }
    const std::string_view standard = resized ? "random-resized-crop,flip" : "pad-crop,flip";
    const std::string_view more =
        step.name == "strong" ? ",trivial-augment,random-erasing:0.1,mixup,cutmix" : "";
    for (Step& part : parse_augment(fmt::format("{}{}", standard, more)).steps)
      result.steps.push_back(std::move(part));
  }
  check_list(result, to_string(*this));
  return result;
}

Augmentation parse_augment(std::string_view text) {
  Augmentation augment;
  std::string_view rest = text;
  for (bool more = true; more;) {
    const std::size_t comma = rest.find(',');
    std::string_view item = rest.substr(0, comma);
    more = comma != std::string_view::npos;
    if (more) rest.remove_prefix(comma + 1);
    const auto trim = [](char c) { return c == ' '; };
    while (!item.empty() && trim(item.front())) item.remove_prefix(1);
    while (!item.empty() && trim(item.back())) item.remove_suffix(1);

    // A number belongs to the step before.
    double ignored = 0;
    if (!augment.steps.empty() && read_number(item, ignored)) {
      add_number(augment.steps.back(), item);
      continue;
    }
    const std::size_t colon = item.find(':');
    const Kind& kind = find_named("augmentation", item.substr(0, colon), kKinds, &Kind::name);
    augment.steps.push_back({std::string(kind.name), {}});
    if (colon != std::string_view::npos) add_number(augment.steps.back(), item.substr(colon + 1));
  }
  for (Augmentation::Step& step : augment.steps) fill(step);
  check_list(augment, text);
  return augment;
}

std::string to_string(const Augmentation& augment) {
  std::vector<std::string> items;
  for (const Augmentation::Step& step : augment.steps) {
    items.push_back(step.numbers.empty() ? step.name
                                         : fmt::format("{}:{}", step.name, fmt::join(step.numbers, ",")));
  }
  return items.empty() ? "none" : fmt::format("{}", fmt::join(items, ","));
}

}  // namespace satsuma::data

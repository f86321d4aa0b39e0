#include "satsuma/train/study.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "satsuma/core/error.hpp"
#include "satsuma/sparse/method.hpp"
#include "satsuma/sparse/pattern.hpp"

namespace satsuma::train {

namespace {

constexpr double kManyRuns = 1000;

/// Every character that a file name had better not have becomes `-`.
std::string file_name(std::string_view text) {
  std::string name;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       c == '+' || c == '.' || c == '=' || c == '_';
    name += plain ? c : '-';
  }
  return name;
}

std::int64_t parse_seed(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0)
    throw UsageError(fmt::format("--seeds got '{}', expected a whole number from 0", text));
  return value;
}

std::vector<std::int64_t> parse_seeds(const std::vector<std::string>& texts) {
  std::vector<std::int64_t> seeds;
  for (const std::string& text : texts) seeds.push_back(parse_seed(text));
  if (texts.size() != 1) return seeds;
  const std::int64_t count = seeds.front();
  if (count < 1 || count > 1'000'000)
    throw UsageError(fmt::format(
        "--seeds got {}, expected how many, from 1 to 1000000; for seeds of your own give several: 7,8",
        count));
  seeds.resize(static_cast<std::size_t>(count));
  for (std::int64_t seed = 0; seed < count; ++seed) seeds[static_cast<std::size_t>(seed)] = seed;
  return seeds;
}

template <typename Values>
void require_different(std::string_view what, const Values& values) {
  std::set<typename Values::value_type> seen;
  for (const auto& value : values) {
    if (!seen.insert(value).second)
      throw UsageError(fmt::format("{} has {} twice; a run is made once", what, value));
  }
}

void set(Recipe& recipe, const std::string& key, const std::string& value) {
  const RecipeField& field = find_recipe_field(key);
  if (field.is_list()) field.clear(recipe);
  if (!field.is_list() || !value.empty()) field.set(recipe, value);
}

/// `base` under `method`, with `pattern` where that has none of its own.
Variant variant_of(const Recipe& base, const MethodText& method, const std::string& pattern) {
  Variant variant{"", base};
  Recipe& recipe = variant.recipe;
  recipe.method = method.method->name;
  recipe.nm = method.pattern ? to_string(*method.pattern) : pattern;
  if (method.samples_wu) recipe.wu = recipe.nm;
  variant.name = variant.method();
  if (variant.pattern() != "dense") variant.name += fmt::format(" {}", variant.pattern());
  return variant;
}

bool prunes(const MethodText& method) {
  return method.samples_wu || method.method->name != "dense";
}

std::vector<Variant> by_method(const StudyText& text) {
  std::vector<Variant> variants;
  const std::vector<std::string> methods =
      text.methods.empty() ? std::vector{text.base.method} : text.methods;
  const std::vector<std::string> patterns = text.patterns.empty() ? std::vector{text.base.nm} : text.patterns;
  for (const std::string& word : methods) {
    const MethodText method = MethodText::parse(word);
    if (method.pattern || !prunes(method)) {
      variants.push_back(variant_of(text.base, method, text.base.nm));
      continue;
    }
    for (const std::string& pattern : patterns)
      variants.push_back(variant_of(text.base, method, to_string(Pattern::parse(pattern))));
  }
  return variants;
}

std::vector<Variant> crossed(const std::vector<Variant>& variants, const Axis& axis) {
  std::vector<Variant> result;
  for (const Variant& variant : variants) {
    for (const std::string& value : axis.values) {
      Variant next = variant;
      set(next.recipe, axis.key, value);
      next.name += fmt::format(" {}={}", axis.key, value);
      result.push_back(std::move(next));
    }
  }
  return result;
}

/// In floating point: the product may have any size.
double count_of(const StudyText& text, std::size_t variants, std::size_t seeds) {
  double count = static_cast<double>(variants) * static_cast<double>(seeds);
  for (const Axis& axis : text.axes) count *= static_cast<double>(axis.values.size());
  return count;
}

}  // namespace

Axis Axis::parse(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals + 1 == text.size()) {
    throw UsageError(
        fmt::format("--axis got '{}', expected KEY=VALUE,VALUE..., KEY a setting of a recipe", text));
  }
  Axis axis{std::string(text.substr(0, equals)), {}};
  find_recipe_field(axis.key);
  for (std::size_t begin = equals + 1; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    axis.values.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  require_different(fmt::format("--axis {}", axis.key), axis.values);
  return axis;
}

std::string Variant::method() const {
  return recipe.wu == "dense" ? recipe.method : recipe.method + "+wu";
}

std::string Variant::pattern() const {
  if (!recipe.nm_schedule.empty()) return recipe.nm_schedule;
  if (recipe.method == "dense") return recipe.wu;
  if (recipe.wu == "dense" || recipe.wu == recipe.nm) return recipe.nm;
  return fmt::format("{}, WU {}", recipe.nm, recipe.wu);
}

std::vector<StudyRun> Study::runs(const std::filesystem::path& out) const {
  std::vector<StudyRun> runs;
  runs.reserve(seeds.size() * variants.size());
  for (const std::int64_t seed : seeds) {
    for (const Variant& variant : variants) {
      StudyRun run{&variant, seed, fmt::format("{}-seed{}", file_name(variant.name), seed), variant.recipe};
      run.recipe.seed = seed;
      run.recipe.out = (out / "runs" / run.name).string();
      runs.push_back(std::move(run));
    }
  }
  return runs;
}

Study make_study(const StudyText& text, bool many) {
  if (!text.named.empty() && !text.methods.empty())
    throw UsageError("a study has either methods or variants by name, not both");
  require_different("--methods", text.methods);
  require_different("--nm", text.patterns);
  Study study;
  study.seeds = parse_seeds(text.seeds);
  require_different("--seeds", study.seeds);
  std::vector<std::string> keys;
  for (const Axis& axis : text.axes) {
    keys.push_back(axis.key);
    for (const std::string_view own : {"seed", "out", "method", "nm"}) {
      if (axis.key == own)
        throw UsageError(fmt::format("{} is no axis: --seeds, --methods, --nm and --out say it", own));
    }
  }
  require_different("--axis", keys);

  if (text.named.empty()) {
    study.variants = by_method(text);
  } else {
    for (const auto& [name, recipe] : text.named) study.variants.push_back({name, recipe});
  }
  if (const double count = count_of(text, study.variants.size(), study.seeds.size());
      count > kManyRuns && !many) {
    throw UsageError(fmt::format("these are {:.0f} runs; if that is what you want, add --yes", count));
  }
  for (const Axis& axis : text.axes) study.variants = crossed(study.variants, axis);
  std::vector<std::string> names;
  for (const Variant& variant : study.variants) {
    variant.recipe.check();
    names.push_back(file_name(variant.name));
  }
  require_different("the study", names);
  return study;
}

}  // namespace satsuma::train

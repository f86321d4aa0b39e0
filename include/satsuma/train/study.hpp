#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "satsuma/train/recipe.hpp"

namespace satsuma::train {

/// A setting that takes several values.
struct Axis {
  std::string key;  ///< of a recipe
  std::vector<std::string> values;

  /// From `KEY=VALUE,VALUE...`. Throws UsageError on an unknown key, no value or one that comes twice.
  static Axis parse(std::string_view text);
};

/// One row of the comparison: all runs that differ in nothing but the seed.
struct Variant {
  std::string name;  ///< `bdwp+wu 2:8`, `bdwp 2:8 lr=0.1`: unique in a study
  Recipe recipe;

  /// `bdwp+wu`
  std::string method() const;
  /// `2:8`; `dense` where nothing is pruned.
  std::string pattern() const;
};

/// A variant from one seed.
struct StudyRun {
  const Variant* variant;
  std::int64_t seed;
  std::string name;  ///< as a file name
  Recipe recipe;     ///< seed set, and `out`
};

/// What is to be compared: every variant from every seed.
struct Study {
  std::vector<Variant> variants;  ///< the first is what the others are compared with
  std::vector<std::int64_t> seeds;

  /// Seed by seed, so that what is there after a while can be compared.
  std::vector<StudyRun> runs(const std::filesystem::path& out) const;
};

/// What a user says of a study, on the command line or in a file.
struct StudyText {
  Recipe base;
  std::vector<std::string> methods;  ///< MethodText each; empty takes that of `base`
  std::vector<std::string> patterns;
  std::vector<std::pair<std::string, Recipe>> named;  ///< variants by name, instead of methods
  std::vector<Axis> axes;
  std::vector<std::string> seeds;  ///< one number is how many; several are the seeds
};

/// Reads a study file on top of `text`:
///
///     methods = ["dense", "bdwp"]      # or [[variant]] tables: a name, and keys of a recipe
///     nm = ["2:8", "2:4"]
///     seeds = 3
///     [recipe]                         # what all runs share
///     epochs = 10
///     [axes]
///     lr = [0.1, 0.2]
///
/// Throws IoError, and FormatError naming file, line and key on an unknown one.
StudyText read_study(const std::filesystem::path& path, StudyText text);

/// The grid. A method that prunes is taken under each pattern, one that does not once. Throws UsageError
/// where a method, a seed or a pattern comes twice or does not exist, and where there are over 1,000 runs but
/// `many` is not set.
Study make_study(const StudyText& text, bool many);

}  // namespace satsuma::train

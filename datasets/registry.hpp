#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "satsuma/data/dataset.hpp"

namespace satsuma::datasets {

struct Options {
  std::string directory;                ///< where the files are; empty looks in the data set's usual places
  Shape input;                          ///< synthetic: [C, H, W]; rank 0 is the default
  std::optional<std::int64_t> classes;  ///< synthetic
  std::uint64_t seed = 0;               ///< synthetic
};

/// The parts of a data set. Which a set has itself is its own matter; what it lacks is null.
struct Splits {
  std::shared_ptr<const data::Dataset> train;
  std::shared_ptr<const data::Dataset> validation = nullptr;
  std::shared_ptr<const data::Dataset> test = nullptr;
};

/// A file that a data set comes in.
struct Download {
  std::string_view url;
  std::string_view md5;  ///< in hexadecimal digits, as its publisher gives it
};

/// A data set that the command line knows by name.
struct Entry {
  std::string_view name;
  std::string_view summary;
  Shape input;  ///< [C, H, W] of the model's input, after padding
  std::int64_t classes;
  data::Normalisation normalisation;
  std::int64_t train_count;
  std::int64_t test_count;
  /// Directory in which the files were found, or empty; `generated` where there are no files. Nothing is
  /// read.
  std::string (*find)(const Options&);
  /// Reads the files. Throws IoError that says where it looked and how to get the data.
  Splits (*load)(const Options&);
  std::string_view how_to_get = {};          ///< a sentence without its beginning: `apt-get install ...`
  std::span<const Download> downloads = {};  ///< what `satsuma datasets get` fetches; empty: nothing
};

std::span<const Entry> entries();
/// Throws UsageError with the known names and the nearest one.
const Entry& find(std::string_view name);

}  // namespace satsuma::datasets

#pragma once

#include <string>

#include "registry.hpp"

namespace satsuma::datasets {

/// The pictures at `path`, RGB, or grey where Options::input has one channel:
///
/// - a directory with `train/CLASS/**` and maybe `val/CLASS/**` (or `valid`, `validation`) and
/// `test/CLASS/**`;
///   a `train` that has directories of its own makes it such a one. A `test` without them has no labels, and
///   is left out;
/// - a directory with `train.csv` and maybe `val.csv` and `test.csv`;
/// - Tiny ImageNet's, with `val/val_annotations.txt`;
/// - any other directory, `CLASS/**`: all are for training, validation and test are null;
/// - a CSV file, `path,label` (data::read_picture_list()): all are for training;
/// - a file that `satsuma data pack` has made, with the parts that it was made of.
///
/// Says on standard error what was left out. Throws IoError and FormatError where there is no such thing, see
/// data::list_class_folders(), and where the classes of two parts differ.
Splits open_folder(const std::string& path, const Options& options);

}  // namespace satsuma::datasets

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "satsuma/data/dataset.hpp"
#include "satsuma/train/evaluation.hpp"

namespace satsuma::train {

/// An evaluation as JSON, with a line end: `loss`, `top1`, `top5`, `count`, `calibration_error`,
/// `calibration` (bins: `low`, `high`, `count`, `confidence`, `accuracy`), `class_names`, `per_class`
/// (`name`, `count`, `correct`, `accuracy`), `confusion` (rows are labels), `mistakes` (`index`, `file`,
/// `label`, `predicted`, `probability`), `left_out` (files that could not be read and count nowhere).
/// Accuracies are shares of 1, null of no images. Classes without a name are called by their number. In
/// evaluation.json `set` (`test` or `validation`) and `weights` (the checkpoint that has them) come first,
/// and a mistake has a `picture`: base64 of a PNG file with no side above 64 pixels, null where the image
/// cannot be read.
std::string evaluation_file(const Evaluation& evaluation, const data::Dataset& images,
                            const std::vector<std::string>& class_names, const std::string& set,
                            const std::string& weights, std::int64_t epoch);

}  // namespace satsuma::train

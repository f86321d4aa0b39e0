#pragma once

#include <string>
#include <vector>

#include "satsuma/data/dataset.hpp"
#include "satsuma/train/evaluation.hpp"
#include "src/core/json_fwd.hpp"

namespace satsuma::train {

/// What satsuma/train/evaluation_file.hpp says of an evaluation, without what is for evaluation.json alone.
Json to_json(const Evaluation& evaluation, const data::Dataset& images,
             const std::vector<std::string>& class_names);

}  // namespace satsuma::train

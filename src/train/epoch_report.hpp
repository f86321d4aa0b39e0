#pragma once

#include <string>
#include <vector>

#include "satsuma/train/run_directory.hpp"

namespace satsuma::train {

/// What is shown of an epoch.
std::vector<std::string> epoch_lines(const LogRecord& record, std::int64_t epochs);

}  // namespace satsuma::train

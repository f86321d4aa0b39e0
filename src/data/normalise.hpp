#pragma once

#include <vector>

#include "satsuma/data/dataset.hpp"

namespace satsuma::data {

/// [channels][256], what each byte becomes. Throws UsageError when the normalisation does not fit that many
/// channels.
std::vector<float> normalisation_table(const Normalisation& normalisation, std::int64_t channels);

}  // namespace satsuma::data

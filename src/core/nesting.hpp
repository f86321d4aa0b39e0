#pragma once

#include <string_view>

namespace satsuma {

/// True where brackets in `json` stand in more than 64 others: no file of ours does, and what walks over a
/// value, a copy, its text or its end, takes stack for each level.
bool nests_too_deep(std::string_view json);

/// True where a key of `toml` has more than 32 parts, `a.b.c`, each of which is a table in the one before.
bool has_long_keys(std::string_view toml);

}  // namespace satsuma

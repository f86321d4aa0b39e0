#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "datasets/registry.hpp"

namespace satsuma::datasets {

/// Where the files of a data set are looked for: what Options name, or $SATSUMA_DATA/NAME,
/// /usr/share/datasets/NAME, ~/.cache/satsuma/NAME and data/NAME.
std::vector<std::filesystem::path> places(std::string_view name, const Options& options);
/// The first of them that belongs to the user: where `satsuma datasets get` puts files.
std::filesystem::path own_place(std::string_view name);

/// The first place, or directory `folder` in one, in which `is_there` finds what it needs; empty where none
/// does.
std::filesystem::path find_place(std::string_view name, std::string_view folder, const Options& options,
                                 const std::function<bool(const std::filesystem::path&)>& is_there);
/// The same; throws IoError with the places, and how to get the data.
std::filesystem::path need_place(std::string_view name, std::string_view folder, std::string_view how_to_get,
                                 const Options& options,
                                 const std::function<bool(const std::filesystem::path&)>& is_there);

}  // namespace satsuma::datasets

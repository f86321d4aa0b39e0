#pragma once

#include <map>
#include <string>

#include "satsuma/export/onnx.hpp"

namespace satsuma::exports {

/// What the notes say, under the keys that every exported file has it.
std::map<std::string, std::string> metadata_of(const ModelNotes& notes);

}  // namespace satsuma::exports

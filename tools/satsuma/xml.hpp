#pragma once

#include <string>
#include <string_view>

namespace satsuma::tools {

/// `text` with the characters that mean something in XML written as entities.
std::string escaped(std::string_view text);

}  // namespace satsuma::tools

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace satsuma {

/// One line for an unknown name: `unknown model 'resnet8'; did you mean 'resnet9'? known: resnet9, resnet18`.
/// The nearest name by edit distance is left out when nothing is near.
std::string unknown_name(std::string_view kind, std::string_view typed,
                         const std::vector<std::string_view>& known);

}  // namespace satsuma

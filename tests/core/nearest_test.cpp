#include "satsuma/core/nearest.hpp"

#include <doctest/doctest.h>

namespace satsuma::testing {

TEST_CASE("an unknown name gets the nearest one and all that exist") {
  const std::vector<std::string_view> known = {"resnet9", "resnet18", "vgg19"};
  CHECK(unknown_name("model", "resnet8", known) ==
        "unknown model 'resnet8'; did you mean 'resnet9'? known: resnet9, resnet18, vgg19");
  CHECK(unknown_name("model", "vgg", known).find("did you mean 'vgg19'?") != std::string::npos);
  CHECK(unknown_name("model", "transformer", known) ==
        "unknown model 'transformer'; known: resnet9, resnet18, vgg19");
}

}  // namespace satsuma::testing

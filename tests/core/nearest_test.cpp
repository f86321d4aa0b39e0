#include "satsuma/core/nearest.hpp"

#include <doctest/doctest.h>

#include <array>

namespace satsuma::testing {

TEST_CASE("an unknown name gets the nearest one and all that exist") {
  const std::vector<std::string_view> known = {"resnet9", "resnet18", "vgg19"};
  CHECK(unknown_name("model", "resnet8", known) ==
        "unknown model 'resnet8'; did you mean 'resnet9'? known: resnet9, resnet18, vgg19");
  CHECK(unknown_name("model", "vgg", known).find("did you mean 'vgg19'?") != std::string::npos);
  CHECK(unknown_name("model", "transformer", known) ==
        "unknown model 'transformer'; known: resnet9, resnet18, vgg19");
}

enum class Colour { red, blue };

std::string_view to_string(Colour colour) {
  return colour == Colour::red ? "red" : "blue";
}

TEST_CASE("an element is found by its name, by what to_string() says, or by itself") {
  struct Entry {
    std::string_view name;
    int value;
  };
  const Entry entries[] = {{"one", 1}, {"two", 2}};
  CHECK(&find_named("number", "two", entries, &Entry::name) == &entries[1]);
  const Entry* const pointers[] = {&entries[0]};
  CHECK(find_named("number", "one", pointers, &Entry::name)->value == 1);
  CHECK(find_named("colour", "blue", std::array{Colour::red, Colour::blue}) == Colour::blue);
  CHECK(std::string_view(find_named("word", "b", std::array{"a", "b"})) == "b");
  CHECK_THROWS_WITH_AS(find_named("number", "tow", entries, &Entry::name),
                       "unknown number 'tow'; did you mean 'two'? known: one, two", UsageError);
}

}  // namespace satsuma::testing

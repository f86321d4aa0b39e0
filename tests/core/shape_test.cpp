#include "satsuma/core/shape.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>

#include "satsuma/core/error.hpp"

namespace satsuma::testing {

TEST_CASE("shapes broadcast as NumPy's do") {
  struct Case {
    Shape a, b, expected;
  };
  const Case cases[] = {{{3}, {3}, {3}},      {{3, 1}, {1, 4}, {3, 4}}, {{5, 3, 4}, {4}, {5, 3, 4}},
                        {{}, {2, 2}, {2, 2}}, {{1}, {0}, {0}},          {{2, 1, 3}, {7, 1}, {2, 7, 3}}};
  for (const Case& c : cases) {
    CHECK(to_string(broadcast("add", c.a, c.b)) == to_string(c.expected));
    CHECK(to_string(broadcast("add", c.b, c.a)) == to_string(c.expected));
  }
  for (const auto& [a, b] :
       {std::pair{Shape{3}, Shape{4}}, std::pair{Shape{2, 3}, Shape{2}}, std::pair{Shape{0}, Shape{2}}}) {
    std::string message;
    try {
      broadcast("mul", a, b);
    } catch (const ShapeError& error) {
      message = error.what();
    }
    CHECK(message.find("[mul]") != std::string::npos);
    CHECK(message.find(to_string(a)) != std::string::npos);
  }
}

TEST_CASE("numel counts, and refuses what does not fit") {
  CHECK(Shape{}.numel() == 1);
  CHECK(Shape{2, 3, 4}.numel() == 24);
  CHECK(Shape{5, 0}.numel() == 0);
  const std::int64_t big = std::int64_t{1} << 32;
  CHECK(Shape{big, big / 4}.numel() == std::int64_t{1} << 62);
  CHECK_THROWS_AS((Shape{big, big}.numel()), ShapeError);
  CHECK_THROWS_AS((Shape{2, -1}.numel()), ShapeError);
  CHECK(Shape{big, big, 0}.numel() == 0);  // whatever the order
  CHECK(Shape{0, big, big}.numel() == 0);
}

TEST_CASE("shapes have at most eight axes and compare by extents") {
  Shape shape = {1, 2, 3, 4, 5, 6, 7, 8};
  CHECK_THROWS_AS(shape.push_back(9), ShapeError);
  CHECK(Shape{2, 3} == Shape{2, 3});
  CHECK(!(Shape{2, 3} == Shape{2, 3, 1}));
  CHECK(!(Shape{2, 3} == Shape{3, 2}));
  CHECK(to_string(Shape{64, 3}) == "[64, 3]");
  CHECK(to_string(Shape{}) == "[]");
}

}  // namespace satsuma::testing

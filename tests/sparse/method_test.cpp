#include "satsuma/sparse/method.hpp"

#include <doctest/doctest.h>

#include <string>

#include "satsuma/core/error.hpp"

namespace satsuma {

TEST_CASE("methods say which operand is N:M") {
  const Method& dense = find_method("dense");
  CHECK_FALSE(dense.sparse());
  const Method& bdwp = find_method("bdwp");
  CHECK(bdwp.ff_weight);
  CHECK(bdwp.bp_weight);
  CHECK_FALSE(bdwp.bp_gradient);
  for (const Method* const method : methods()) {
    CHECK(&find_method(method->name) == method);
    CHECK_FALSE(method->summary.empty());
  }
}

TEST_CASE("an unknown method is named together with the nearest one") {
  try {
    find_method("bdpw");
    FAIL("accepted");
  } catch (const UsageError& error) {
    const std::string message = error.what();
    CHECK(message.find("bdpw") != std::string::npos);
    CHECK(message.find("'bdwp'") != std::string::npos);
  }
}

TEST_CASE("a method in a list may sample WU and have a pattern of its own") {
  const MethodText text = MethodText::parse("bdwp+wu@2:8x2");
  CHECK(text.method->name == "bdwp");
  CHECK(text.samples_wu);
  CHECK(text.pattern == Pattern{2, 8, 2});
  CHECK_FALSE(MethodText::parse("dense").samples_wu);
  CHECK_FALSE(MethodText::parse("bdwp+wu").pattern);
  for (const char* wrong : {"bdwp@", "bdwp@2", "@2:8", "bdwp@2:8+wu", "bdwp+wu+wu"}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(MethodText::parse(wrong), UsageError);
  }
}

}  // namespace satsuma

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

}  // namespace satsuma

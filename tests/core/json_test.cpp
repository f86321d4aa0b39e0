#include "src/core/json.hpp"

#include <doctest/doctest.h>

#include <new>
#include <stdexcept>

namespace satsuma {

TEST_CASE("an assertion of nlohmann/json that does not hold throws") {
  const nlohmann::json::iterator of_nothing;
  CHECK_THROWS_AS((void)of_nothing.operator->(), std::logic_error);
  // As the end of a value has it that got no memory for what it should hold.
  CHECK_THROWS_AS(fail_json_assertion("m_type != value_t::object || m_value.object != nullptr"),
                  std::bad_alloc);
  CHECK_THROWS_AS(fail_json_assertion("m_data.m_type != value_t::array || m_data.m_value.array != nullptr"),
                  std::bad_alloc);
  CHECK_THROWS_AS(fail_json_assertion("it != m_value.object->end()"), std::logic_error);
  CHECK_THROWS_AS(fail_json_assertion("m_object != nullptr"), std::logic_error);
}

}  // namespace satsuma

#include "src/opencl/build_log.hpp"

#include <doctest/doctest.h>

#include "satsuma/core/error.hpp"
#include "src/opencl/session.hpp"

namespace satsuma::opencl {

TEST_CASE("an error of a compiler comes with the line of our source") {
  const std::string source = "int one;\n  int channel;\t\nint three;\n\n";
  constexpr struct {
    const char* log;
    const char* line;
  } kCases[] = {
      {"<kernel>:2:7: error: expected identifier\n1 error generated.\n",
       "<kernel>:2:7: error: expected identifier; line 2 is `int channel;`"},
      // A warning before it, and the number of a source before the line.
      {"1:1:5: warning: unused\n1:2:7: error: cannot combine\n1:3:1: error: other\n",
       "1:2:7: error: cannot combine; line 2 is `int channel;`"},
      {"error: /tmp/a-3:1/tempfile.cl:2:7: expected identifier",
       "error: /tmp/a-3:1/tempfile.cl:2:7: expected identifier; line 2 is `int channel;`"},
      {"\"/tmp/x.cl\", line 3: error: expected",
       "\"/tmp/x.cl\", line 3: error: expected; line 3 is `int three;`"},
      {"x.cl(1): error C2: no", "x.cl(1): error C2: no; line 1 is `int one;`"},
      // The first that names a line of ours; none does; no line at all.
      {"Compilation started: 0 errors yet\n<kernel>:3:1: fatal error: no",
       "<kernel>:3:1: fatal error: no; line 3 is `int three;`"},
      {"<kernel>:99:1: error: no\n", "<kernel>:99:1: error: no"},
      {"<kernel>:4:1: error: no\n", "<kernel>:4:1: error: no"},
      {"link error 2", "link error 2"},
      {"something else\nand more", "something else"},
      {"", "the compiler said nothing"},
  };
  for (const auto& [log, line] : kCases) CHECK(build_error(log, source) == line);
}

TEST_CASE("kernels that do not build are named by their line") {
  const Session session(choose_device({}));
  if (!session.info().compiler) return;
  const std::string source = "__kernel void fine(void) {}\n__kernel void wrong(void) { undeclared = 1; }\n";
  CHECK_THROWS_WITH_AS(session.build(source, ""), doctest::Contains("line 2 is `__kernel void wrong(void)"),
                       DeviceError);
}

}  // namespace satsuma::opencl

#include <doctest/doctest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "sat/paths.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/sat/config.hpp"

namespace satsuma::sat::test {

TEST_CASE("a configuration survives being written and read") {
  Config config;
  config.card = "a \"quoted\" card";
  config.rows = 7;
  config.dram_efficiency = 0.5;
  CHECK(parse_config(to_toml(config), "text") == config);
  CHECK(fingerprint(config) != fingerprint(Config{}));
}

TEST_CASE("the file that is shipped holds the defaults") {
  std::ifstream file(std::string(SATSUMA_CONFIGS) + "/sat-vcu1525.toml");
  std::ostringstream text;
  text << file.rdbuf();
  CHECK(text.str() == to_toml(Config{}));
}

TEST_CASE(
    "every key has words for its help and its origin, a range that holds its default, and a name of its "
    "own") {
  std::set<std::string_view> names;
  Config config;
  for (const ConfigKey& key : config_keys()) {
    CHECK(names.insert(key.key).second);
    CHECK(!key.help.empty());
    CHECK(!key.reason.empty());
    CHECK(key.key.find('.') != std::string_view::npos);
    key.set(config, key.text(config));
  }
  CHECK(config == Config{});
}

TEST_CASE("overrides") {
  Config config;
  override_config(config, "array.rows=16");
  CHECK(config.rows == 16);
  const auto refused = [&](const char* text, const char* why) {
    CAPTURE(text);
    CHECK_THROWS_WITH_AS(override_config(config, text), doctest::Contains(why), UsageError);
  };
  refused("array.rows", "expected key=value");
  refused("array.row=16", "did you mean 'array.rows'");
  refused("array.rows=0", "'array.rows' got '0', expected a whole number from 1 to 1024");
  refused("array.rows=-3", "expected a whole number");
  refused("array.rows=1e99", "expected a whole number");
  refused("array.rows=99999999999999999999", "expected a whole number");
  refused("array.rows=", "got ''");
  refused("dram.efficiency=nan", "expected a number from 0.01 to 1");
  refused("clock.mhz=inf", "expected a number");
  refused("card.name=", "printable");
}

TEST_CASE("bad files are refused with file, line, key and what is allowed") {
  const auto refused = [](const char* text, std::initializer_list<const char*> words) {
    CAPTURE(text);
    for (const char* const word : words) {
      CHECK_THROWS_WITH_AS(parse_config(text, "sat.toml"), doctest::Contains(word), FormatError);
    }
  };
  refused("[array]\nrows = 0", {"sat.toml, line 2", "array.rows", "from 1 to 1024"});
  refused("[array]\nrows = \"many\"", {"line 2", "'array.rows' got a string, expected a whole number"});
  refused("[array]\nrows = 1.5", {"line 2", "expected a whole number"});
  refused("[array]\nrows = [1]", {"line 2", "got a list"});
  refused("[array]\nrow = 4", {"line 2", "did you mean 'array.rows'"});
  refused("[array.rows]\nx = 1", {"array.rows", "got a table"});
  refused("rows = 4", {"line 1", "unknown key 'rows'"});
  refused("array = 4", {"line 1", "unknown key 'array'"});
  refused("[array\nrows = 4", {"sat.toml, line 1"});
  refused("[card]\nname = 5", {"card.name", "expected a text"});
  CHECK_THROWS_AS(read_config("/nowhere/at/all.toml"), IoError);
  CHECK_THROWS_AS(read_config("/"), IoError);
}

}  // namespace satsuma::sat::test

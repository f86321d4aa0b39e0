// Recipes and studies. What is read is written and read again: nothing may be lost.

#include "satsuma/train/recipe.hpp"

#include "fuzz.hpp"
#include "memory_file.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/train/study.hpp"

using namespace satsuma;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  try {
    const train::Recipe recipe = train::parse_recipe(text, "fuzz");
    const std::string written = train::to_toml(recipe);
    if (train::to_toml(train::parse_recipe(written, "fuzz")) != written) std::abort();
  } catch (const Error&) {
    // What it is there for.
  }
  const MemoryFile file({bytes, size});
  try {
    train::make_study(train::read_study(file.path(), {}), false);
  } catch (const Error&) {
    // A study holds recipes, which may be wrong use.
  }
  return 0;
}

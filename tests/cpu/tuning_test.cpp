#include "src/cpu/tuning.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "src/cpu/kernels/bf16.hpp"
#include "support/temporary_directory.hpp"

namespace satsuma::cpu {

namespace {

void write(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path) << text;
}

}  // namespace

TEST_CASE("a measurement is kept for its machine") {
  const testing::TemporaryDirectory folder;
  const auto path = folder / "of/tuning.toml";
  CHECK_FALSE(read_tuning(path, "this one"));
  CHECK(write_tuning(path, "this \"one\"", {1.875, 0.625}));
  CHECK(read_tuning(path, "this \"one\"") == Tuning{1.875, 0.625});
  CHECK_FALSE(read_tuning(path, "another"));
  CHECK(write_tuning(path, "another", {0.5, 2}));
  CHECK(read_tuning(path, "another") == Tuning{0.5, 2});
  CHECK(write_tuning(path, "with AMX", {0.5, 2, 7.5, 12}));
  CHECK(read_tuning(path, "with AMX") == Tuning{0.5, 2, 7.5, 12});
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(path.parent_path())) files += entry.exists();
  CHECK(files == 1);
}

TEST_CASE("what is no measurement is measured anew") {
  const testing::TemporaryDirectory folder;
  const auto path = folder / "tuning.toml";
  for (const char* text : {"", "no toml [", "machine = 'm'", "machine = 'm'\nbf16_dense = 1.5",
                           "machine = 'm'\nbf16_dense = 'fast'\nbf16_skipping = 1.5",
                           "machine = 'm'\nbf16_dense = -1.0\nbf16_skipping = 1.5",
                           "machine = 'm'\nbf16_dense = nan\nbf16_skipping = 1.5",
                           "machine = 'm'\nbf16_dense = 1.5\nbf16_skipping = 1.5\namx = nan"}) {
    CAPTURE(text);
    write(path, text);
    CHECK_FALSE(read_tuning(path, "m"));
  }
  write(path, "machine = 'm'\nbf16_dense = 1.5\nbf16_skipping = 1.25");
  CHECK(read_tuning(path, "m") == Tuning{1.5, 1.25});
  // A folder where the file should be.
  CHECK_FALSE(write_tuning(folder / ".", "m", {1, 1}));
}

TEST_CASE("bf16 is measured where the CPU has instructions for it") {
  if (bf16_kernels() == nullptr) {
    CHECK_FALSE(bf16_pays(ProductKind::dense));
    CHECK_FALSE(bf16_pays(ProductKind::skipping));
    return;
  }
  // No CPU is known outside of a half and twice, however busy it is; the kinds differ by what loads cost.
  const Tuning tuning = measure_tuning();
  for (const double ratio : {tuning.bf16_dense, tuning.bf16_skipping}) {
    CHECK(ratio > 0.2);
    CHECK(ratio < 8);
  }
}

}  // namespace satsuma::cpu

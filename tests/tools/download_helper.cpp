// What `satsuma datasets get` is made of, for test_download.py: the data sets that the command knows have
// sums that no test can meet.

#include <fmt/core.h>

#include <csignal>
#include <exception>
#include <string_view>

#include "tools/satsuma/download/download.hpp"
#include "tools/satsuma/untar.hpp"

int main(int argc, char** argv) try {
  std::signal(SIGXFSZ, SIG_IGN);
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "fetch" && argc == 5) {
    satsuma::tools::download(argv[2], argv[3], argv[4], [](auto, auto) {});
    return 0;
  }
  if (what == "untar" && argc == 4) {
    for (const auto& path : satsuma::tools::untar(argv[2], argv[3])) fmt::print("{}\n", path.string());
    return 0;
  }
  return 2;
} catch (const std::exception& error) {
  fmt::print(stderr, "satsuma: error: {}\n", error.what());
  return 1;
}

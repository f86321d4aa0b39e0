// Stands in for libFuzzer: runs a target over the files of its corpus, and over random changes of them, the
// same every time. `fuzz_NAME CHANGES FILE_OR_FOLDER...`

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

#include "fuzz.hpp"

namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::uint8_t>;

std::vector<Bytes> read_corpus(int argc, char** argv) {
  std::vector<fs::path> paths;
  for (int i = 2; i < argc; ++i) {
    if (!fs::is_directory(argv[i]))
      paths.emplace_back(argv[i]);
    else
      for (const auto& entry : fs::directory_iterator(argv[i])) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<Bytes> corpus;
  for (const fs::path& path : paths) {
    std::ifstream file(path, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return corpus;
}

/// A few bytes changed, taken out, doubled or cut off.
Bytes changed(Bytes bytes, std::mt19937& random) {
  const auto below = [&](std::size_t count) {
    return static_cast<std::ptrdiff_t>(random() % std::max<std::size_t>(count, 1));
  };
  for (auto left = 1 + below(4); left > 0 && !bytes.empty(); --left) {
    const auto at = bytes.begin() + below(bytes.size());
    const auto run = std::min<std::ptrdiff_t>(1 + below(8), bytes.end() - at);
    switch (below(6)) {
      case 0:
        *at = static_cast<std::uint8_t>(random());
        break;
      case 1:
        *at = static_cast<std::uint8_t>(*at ^ 1U << below(8));
        break;
      case 2:
        std::fill(at, at + run, random() % 2 == 0 ? std::uint8_t{0xff} : std::uint8_t{0});
        break;
      case 3:
        bytes.erase(at, at + run);
        break;
      case 4: {
        const Bytes copy(at, at + run);
        bytes.insert(at, copy.begin(), copy.end());
        break;
      }
      default:
        bytes.erase(at, bytes.end());
    }
  }
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<Bytes> corpus = read_corpus(argc, argv);
  if (argc < 3 || corpus.empty()) {
    std::fputs("usage: fuzz_NAME CHANGES FILE_OR_FOLDER...\n", stderr);
    return 2;
  }
  for (const Bytes& bytes : corpus) LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  std::mt19937 random(1);
  const long changes = std::atol(argv[1]);
  for (long i = 0; i < changes; ++i) {
    const Bytes bytes = changed(corpus[random() % corpus.size()], random);
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  }
  std::printf("%zu files, %ld changes of them\n", corpus.size(), changes);
}

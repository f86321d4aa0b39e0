#pragma once

#include <filesystem>
#include <optional>

namespace satsuma::tools::compare {

/// A run belongs to the process that holds its claim: a locked file. The system drops the lock with the last
/// process that has the file open, however that ends, so that no claim outlives its run. A child inherits it:
/// where the comparison is killed and the training goes on for a moment, nobody else begins the run.
class Claim {
 public:
  /// Empty where another process holds it. Throws IoError where the file cannot be made, or the file system
  /// has no locks.
  static std::optional<Claim> take(const std::filesystem::path& path);

  Claim(Claim&& other) noexcept;
  Claim& operator=(Claim&&) = delete;
  ~Claim();

 private:
  Claim(std::filesystem::path path, int file) : path_(std::move(path)), file_(file) {}

  std::filesystem::path path_;
  int file_ = -1;
};

}  // namespace satsuma::tools::compare

#include "src/core/message.hpp"

#include <atomic>

namespace satsuma {

namespace {

std::atomic<bool> silenced = false;

}  // namespace

void set_silent(bool silent) noexcept {
  silenced = silent;
}

bool is_silent() noexcept {
  return silenced;
}

void write_or_drop(std::FILE* stream, std::string_view text) noexcept {
  std::fwrite(text.data(), 1, text.size(), stream);
  std::fflush(stream);
}

}  // namespace satsuma

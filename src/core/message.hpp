#pragma once

#include <fmt/core.h>

#include <cstdio>
#include <new>
#include <string>
#include <string_view>
#include <utility>

namespace satsuma {

/// Writes `text` and flushes. What cannot be written, on a full disk or into a pipe that nobody reads, is
/// dropped: words about the work must not end it. std::ferror() still tells.
void write_or_drop(std::FILE* stream, std::string_view text) noexcept;

/// Whether say() writes at all: processes that train together leave it to the first of them.
void set_silent(bool silent) noexcept;
bool is_silent() noexcept;

/// The line `satsuma: WORDS` on standard error, or nothing where that cannot be written.
template <typename... Args>
void say(fmt::format_string<Args...> words, Args&&... args) noexcept {
  if (is_silent()) return;
  try {
    write_or_drop(stderr, "satsuma: " + fmt::format(words, std::forward<Args>(args)...) + "\n");
  } catch (const std::bad_alloc&) {
    // Dropped, too.
  }
}

}  // namespace satsuma

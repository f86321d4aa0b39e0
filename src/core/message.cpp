#include "src/core/message.hpp"

namespace satsuma {

void write_or_drop(std::FILE* stream, std::string_view text) noexcept {
  std::fwrite(text.data(), 1, text.size(), stream);
  std::fflush(stream);
}

}  // namespace satsuma

#include "tools/satsuma/process.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>

namespace satsuma::tools {

void prepare_process() {
  // The lowest number that is free is given out first, so this ends with one above 2.
  int file = 0;
  while (file >= 0 && file <= STDERR_FILENO) file = ::open("/dev/null", O_RDWR);
  if (file > STDERR_FILENO) ::close(file);
  std::signal(SIGXFSZ, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
}

}  // namespace satsuma::tools

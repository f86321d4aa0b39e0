#pragma once

#include <exception>
#include <string>

namespace satsuma::tools {

/// What an exception says to the user, and the exit status that it ends the program with.
struct Failure {
  std::string message;
  int code = 1;
};
Failure failure_of(const std::exception_ptr& exception);

/// A full disk behind a redirection of standard output shows in the middle of the work or after it. `error`
/// is 0 where it is not known why.
Failure failure_of_standard_output(int error);

}  // namespace satsuma::tools

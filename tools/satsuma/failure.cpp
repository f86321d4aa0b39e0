#include "tools/satsuma/failure.hpp"

#include <fmt/core.h>

#include <cstdio>
#include <new>
#include <system_error>

#include "satsuma/core/error.hpp"

namespace satsuma::tools {

namespace {

constexpr int kFailed = 1;
constexpr int kWrongUse = 2;

}  // namespace

Failure failure_of(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const UsageError& error) {
    return {error.what(), kWrongUse};
  } catch (const std::system_error& error) {
    // fmt's, which does not say of which file it speaks.
    if (std::ferror(stdout) != 0) return failure_of_standard_output(error.code().value());
    return {error.what(), kFailed};
  } catch (const std::bad_alloc&) {
    return {"out of memory; try a smaller --batch-size or model", kFailed};
  } catch (const std::exception& error) {
    return {error.what(), kFailed};
  }
}

Failure failure_of_standard_output(int error) {
  return {fmt::format("standard output could not be written{}{}", error != 0 ? ": " : "",
                      error != 0 ? std::generic_category().message(error) : ""),
          kFailed};
}

}  // namespace satsuma::tools

#pragma once

#include "satsuma/core/error.hpp"

namespace satsuma::data {

[[noreturn]] inline void refuse_none_readable() {
  throw FormatError(
      "[loader] none of the images of the data set can be read; leave out --skip-bad-images to see why");
}

}  // namespace satsuma::data

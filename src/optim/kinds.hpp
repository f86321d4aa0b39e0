#pragma once

#include "satsuma/optim/optimizer.hpp"

namespace satsuma::optim {

// One constant for each kind; the table that users see is in kinds.cpp.
extern const Kind kSgd;
extern const Kind kAdam;
extern const Kind kAdamW;
extern const Kind kLamb;

}  // namespace satsuma::optim

#pragma once

#include "satsuma/sparse/method.hpp"

namespace satsuma {

// One constant for each file in this folder; the table that users see is in ../methods.cpp.
extern const Method kDense;
extern const Method kSrSte;
extern const Method kSdgp;
extern const Method kSdwp;
extern const Method kBdwp;
extern const Method kTransposable;

}  // namespace satsuma

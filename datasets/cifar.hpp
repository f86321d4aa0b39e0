#pragma once

#include "registry.hpp"

namespace satsuma::datasets {

/// Small colour photographs, 3x32x32, in the binary files of https://www.cs.toronto.edu/~kriz/cifar.html.
Entry cifar10();
/// The same with 100 (fine) classes.
Entry cifar100();

}  // namespace satsuma::datasets

#pragma once

#include "registry.hpp"

namespace satsuma::datasets {

/// Handwritten digits: 28x28, 10 classes, 60,000 and 10,000 images. LeCun, Cortes, Burges, 1998.
Entry mnist();

/// Articles of clothing in the format of MNIST. Xiao, Rasul, Vollgraf, arXiv 1708.07747.
Entry fashion_mnist();

}  // namespace satsuma::datasets

#pragma once

#include "registry.hpp"

namespace satsuma::datasets {

/// Generated images with classes that can be learnt, of any shape; nothing to download. Each class is a
/// smooth random pattern, each image its class's pattern shifted by up to an eighth of the image, with
/// contrast and noise of its own. Image i has label i mod classes. By default 3x32x32, 10 classes, 10,000
/// training and 2,000 test images; what an image holds depends on seed, split and index alone.
Entry synthetic();

}  // namespace satsuma::datasets

#pragma once

#include "satsuma/train/checkpoint.hpp"

namespace satsuma::tools {

/// Copies the weights into `model`. What the file has too many of is said in one line, or is a FormatError
/// where `strict`.
void load_weights(const train::Checkpoint& checkpoint, nn::Module& model, bool strict);

}  // namespace satsuma::tools

#pragma once

#include "satsuma/train/checkpoint.hpp"

namespace satsuma::tools {

/// Copies the weights into `model` after train::fit_weights(), and says what that did. What the file has too
/// many of is said in one line, or is a FormatError where `strict`. Where they do not fit, the error says of
/// which model the file is, if the file says so.
void load_weights(train::Checkpoint checkpoint, nn::Module& model, bool strict, bool new_head = false);

}  // namespace satsuma::tools

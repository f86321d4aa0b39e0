#pragma once

#include <string>
#include <vector>

#include "satsuma/nn/module.hpp"
#include "satsuma/train/checkpoint.hpp"

namespace satsuma::train {

/// Makes the model's tensors in `checkpoint`, which another program may have written or another task been
/// trained for, fit `model`, as far as that is known how:
///   names        one prefix made of `state_dict.`, `module.` and `model.` goes where more of the model's
///   names
///                are found without it
///   resolution   nn::Module::fitted(): positions of a vision transformer
///   new_head     the last layer keeps the weights that it was made with; the file's are dropped
/// Returns what was done, a sentence each. Throws FormatError, naming file, tensor and both shapes, where the
/// head is of another number of classes and not `new_head`.
std::vector<std::string> fit_weights(Checkpoint& checkpoint, const nn::Module& model, bool new_head);

}  // namespace satsuma::train

#pragma once

#include "satsuma/core/tensor.hpp"
#include "src/cpu/kernels/amx.hpp"
#include "src/cpu/scratch.hpp"

namespace satsuma::cpu {

/// A dense weight as the kernels of AMX read it.
struct AmxForm {
  AmxWeights weights;
  Scratch memory;
};

/// `transposed` as in dense_form().
AmxForm amx_form(const Tensor& weight, bool transposed);

}  // namespace satsuma::cpu

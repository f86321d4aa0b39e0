#pragma once

#include "satsuma/core/tensor.hpp"
#include "satsuma/sparse/packed.hpp"
#include "src/cpu/kernels/amx.hpp"
#include "src/cpu/scratch.hpp"

namespace satsuma::cpu {

/// A weight as the kernels of AMX read it.
struct AmxForm {
  AmxWeights weights;
  Scratch memory;
};

/// `transposed` as in dense_form().
AmxForm amx_form(const Tensor& weight, bool transposed);
/// An N:M weight with its zeros, made of its nm_pair_form().
AmxForm amx_form(const PackedWeight& packed);

}  // namespace satsuma::cpu

// Checkpoints: the safetensors file, and what Satsuma says of itself in its metadata.

#include "satsuma/train/checkpoint.hpp"

#include "fuzz.hpp"
#include "memory_file.hpp"
#include "satsuma/core/error.hpp"

using namespace satsuma;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const MemoryFile file({bytes, size});
  try {
    const train::Checkpoint checkpoint = train::load_checkpoint(file.path());
    std::size_t sum = 0;
    for (const auto* const tensors : {&checkpoint.model, &checkpoint.optimizer, &checkpoint.masks,
                                      &checkpoint.ema, &checkpoint.epoch_masks}) {
      for (const auto& [name, tensor] : *tensors)
        sum += static_cast<std::size_t>(tensor.numel()) * size_of(tensor.dtype());
    }
    if (sum > size) std::abort();
  } catch (const FormatError&) {
    // What it is there for.
  }
  return 0;
}

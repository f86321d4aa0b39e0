#include "src/cpu/kernels/kernels.hpp"

#include "satsuma/core/cpu.hpp"
#include "src/cpu/kernels/amx.hpp"
#include "src/cpu/kernels/bf16.hpp"
#include "src/cpu/kernels/channels_last.hpp"
#include "src/cpu/kernels/picked.hpp"
#include "src/cpu/kernels/pruned.hpp"
#include "src/cpu/kernels/sample.hpp"
#include "src/cpu/kernels/sampled.hpp"
#include "src/cpu/kernels/update.hpp"

namespace satsuma::cpu {

const Kernels& kernels() {
#if defined(__x86_64__)
  switch (active_isa()) {
    case Isa::avx512:
    case Isa::avx512_bf16:
      return kAvx512Kernels;
    case Isa::avx2:
      return kAvx2Kernels;
    case Isa::plain:
      break;
  }
#endif
  return kPlainKernels;
}

const ChannelsLastKernels& channels_last_kernels() {
#if defined(__x86_64__)
  if (active_isa() >= Isa::avx512) return kAvx512ChannelsLast;
  if (active_isa() == Isa::avx2) return kAvx2ChannelsLast;
#endif
  return kPlainChannelsLast;
}

const UpdateKernels& update_kernels() {
#if defined(__x86_64__)
  switch (active_isa()) {
    case Isa::avx512:
    case Isa::avx512_bf16:
      return kAvx512UpdateKernels;
    case Isa::avx2:
      return kAvx2UpdateKernels;
    case Isa::plain:
      break;
  }
#endif
  return kPlainUpdateKernels;
}

const SampleKernels& sample_kernels() {
#if defined(__x86_64__)
  if (active_isa() >= Isa::avx512) return kAvx512SampleKernels;
  if (active_isa() == Isa::avx2) return kAvx2SampleKernels;
#endif
  return kPlainSampleKernels;
}

const SampledKernels& sampled_kernels() {
#if defined(__x86_64__)
  if (active_isa() >= Isa::avx512) return kAvx512SampledKernels;
  if (active_isa() == Isa::avx2) return kAvx2SampledKernels;
#endif
  return kPlainSampledKernels;
}

const PickKernels* pick_kernels(DType operands) {
  static_cast<void>(operands);
#if defined(__x86_64__)
  if (operands == DType::bf16 && active_isa() == Isa::avx512_bf16) return &kAvx512Bf16PickKernels;
#endif
  return nullptr;
}

const PrunedKernels& pruned_kernels(DType operands) {
  static_cast<void>(operands);
#if defined(__x86_64__)
  if (operands == DType::bf16 && active_isa() == Isa::avx512_bf16) return kAvx512Bf16PrunedKernels;
  if (active_isa() >= Isa::avx512) return kAvx512PrunedKernels;
  if (active_isa() == Isa::avx2) return kAvx2PrunedKernels;
#endif
  return kPlainPrunedKernels;
}

const Bf16Kernels* bf16_kernels() {
#if defined(__x86_64__)
  if (active_isa() == Isa::avx512_bf16) return &kAvx512Bf16Kernels;
#endif
  return nullptr;
}

const AmxKernels* amx_kernels() {
  switch (active_amx()) {
    case Amx::instructions:
#if defined(__x86_64__)
      return &kAmxKernels;
#endif
    case Amx::none:
      return nullptr;
    case Amx::emulated:
      break;
  }
  return &kAmxEmulation;
}

const AmxForms& amx_forms() {
#if defined(__x86_64__)
  if (active_isa() == Isa::avx512_bf16) return kAvx512Bf16AmxForms;
#endif
  return kPlainAmxForms;
}

}  // namespace satsuma::cpu

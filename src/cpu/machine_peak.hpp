#pragma once

namespace satsuma::cpu {

/// What the threads that compute can reach together, measured now: the roofs of a roofline.
struct MachinePeak {
  double gflops = 0;       ///< fused multiply-adds on registers alone, of the instruction set in use
  double bf16_gflops = 0;  ///< the same of bf16 with sums of f32; that of f32 without instructions for it
  double gigabytes_a_second =
      0;  ///< a[i] = b[i] + s * c[i] over arrays beyond all caches, 12 bytes an element
};

/// Takes about a second.
MachinePeak measure_peak();

}  // namespace satsuma::cpu

// What all kernels share. A fused multiply-add would change the bits of the optimiser.
#pragma OPENCL FP_CONTRACT OFF

typedef int Int;
typedef float Float;
typedef ulong Address;

#define NOWHERE 0xffffffffffffffffUL
#define LANES 16  // images of a block

bool is_somewhere(Address address) { return address != NOWHERE; }

uint round_shift(uint value, uint drop) {
  return (value + (1u << (drop - 1)) - 1u + ((value >> drop) & 1u)) >> drop;
}

// To nearest even, with subnormals; every NaN is the same. vstore_half leaves a NaN's bits to the platform.
ushort half_of(float value) {
  const uint word = as_uint(value);
  const uint magnitude = word & 0x7fffffffu;
  uint bits = 0;
  if (magnitude > 0x7f800000u) {
    bits = 0x7e00u;
  } else if (magnitude >= 0x47800000u) {
    bits = 0x7c00u;
  } else if (magnitude >= 0x38800000u) {
    bits = round_shift(magnitude - 0x38000000u, 13);
  } else if (magnitude >= 0x33000000u) {
    bits = round_shift((magnitude & 0x7fffffu) | 0x800000u, 126u - (magnitude >> 23));
  }
  return (ushort)(((word >> 16) & 0x8000u) | bits);
}

// Elements kept in a group of `extent`, and along an axis of it.
int kept_in_group(int n, int m, int extent) { return (n * extent + m - 1) / m; }
int kept_along(int n, int m, int extent) { return extent / m * n + kept_in_group(n, m, extent % m); }

// Bit i of the result: weight[i * stride] is among the `kept` largest magnitudes of `extent`, the lower index
// among equals. A NaN ranks above infinity, and NaNs are equals.
ulong choose(__global const float *weight, size_t stride, int extent, int kept) {
  uint ranks[LARGEST_GROUP];
  for (int i = 0; i < extent; ++i) ranks[i] = min(as_uint(weight[i * stride]) & 0x7fffffffu, 0x7f800001u);
  ulong chosen = 0;
  for (int i = 0; i < extent; ++i) {
    int above = 0;
    for (int j = 0; j < extent; ++j) above += ranks[j] > ranks[i] || (ranks[j] == ranks[i] && j < i);
    if (above < kept) chosen |= 1UL << i;
  }
  return chosen;
}

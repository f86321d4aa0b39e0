// FP16 operands. Their products are exact in FP32 (docs/sat-values.md).

#ifdef INTEGER_HALVES

// For platforms that may flush what lies below the normal range.
float16 load_halves(__global const uchar *memory, Address address, size_t index) {
  const uint16 bits = convert_uint16(vload16(0, (__global const ushort *)(memory + address) + index));
  const uint16 exponent = (bits >> 10) & 0x1fu;
  const uint16 fraction = bits & 0x3ffu;
  const uint16 normal = ((exponent + 112u) << 23) | (fraction << 13);
  const uint16 special = 0x7f800000u | (fraction << 13);
  const uint16 subnormal = as_uint16(convert_float16(fraction) * 0x1p-24f);
  const uint16 magnitude =
      select(select(normal, subnormal, exponent == 0u), special, exponent == 0x1fu);
  return as_float16(((bits & 0x8000u) << 16) | magnitude);
}

float load_half(__global const uchar *memory, Address address, size_t index) {
  const uint bits = ((__global const ushort *)(memory + address))[index];
  const uint exponent = (bits >> 10) & 0x1fu;
  const uint fraction = bits & 0x3ffu;
  uint magnitude = ((exponent + 112u) << 23) | (fraction << 13);
  if (exponent == 0x1fu) magnitude = 0x7f800000u | (fraction << 13);
  if (exponent == 0u) magnitude = as_uint(convert_float(fraction) * 0x1p-24f);
  return as_float(((bits & 0x8000u) << 16) | magnitude);
}

#else

float16 load_halves(__global const uchar *memory, Address address, size_t index) {
  return vload_half16(0, (__global const half *)(memory + address) + index);
}

float load_half(__global const uchar *memory, Address address, size_t index) {
  return vload_half(index, (__global const half *)(memory + address));
}

#endif

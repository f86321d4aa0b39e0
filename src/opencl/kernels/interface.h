// What kernels are told, the same bytes in OpenCL C and in C++. Address is an unsigned integer of 64 bits: a
// byte of device memory, all ones for nowhere. Extents are in elements.

/// The pixels that a pass pairs under each tap.
struct Window {
  Int taps[2], stride[2], padding[2], dilation[2];
};

/// FF or BP. The dense operand is [image / 16][height][width][channel][16] in FP32, on SAT FP16; the result likewise in FP32.
/// Element (column, tap, i) of the weight lies at column * column_stride + tap * tap_stride + i * stride,
/// where i counts channels, or kept ones if there are indices.
struct Product {
  Address operand, weight, indices, bias, result;
  Int images;
  Int in_size[2], in_channels;
  Int out_size[2], out_channels;
  struct Window window;
  Int backward;
  Int n, m, unit;  ///< pattern, and channels in a tile of the sum
  Int column_stride, tap_stride, stride;
};

/// WU: FP32 [K][R][S][C] from x and dY as the operand of FF.
struct Gradient {
  Address x, dy, result;
  Int images;
  Int in_size[2], in_channels;
  Int out_size[2], out_channels;
  struct Window window;
};

/// Sums of dY [image / 16][pixel][K][16].
struct BiasGradient {
  Address dy, result;
  Int blocks, pixels, channels;
};

/// FP32 [K][R][S][C] to its kept elements [row][R][S][kept], in groups along C or along K.
struct Reduction {
  Address weight, values, halves, indices;
  Int out_channels, in_channels, taps;
  Int along_inputs;
  Int n, m;
};

/// A step of momentum SGD on FP32 [rows][channels], rows of K R S.
struct Step {
  Address weight, gradient, velocity;
  Int rows, channels;
  Int n, m;
  Float lr, momentum, weight_decay, sr_ste;
  Int nesterov;
  Int unused;
};

// FF and BP: a work-item makes TILE channels of a vector, so that it loads each operand once for all of them.
#pragma OPENCL FP_CONTRACT ON

#define TILE 4
#define SQUARE __attribute__((reqd_work_group_size(SIDE, SIDE, 1)))
#define LINE __attribute__((reqd_work_group_size(SIDE * SIDE, 1, 1)))

__kernel SQUARE void product(__global const uchar *operand, __global const uchar *weight, __global const uchar *indices,
                      __global const uchar *bias, __global uchar *result, const struct Product p) {
  const int first = get_global_id(0) * TILE;
  const int vector = get_global_id(1);
  const int columns = min(TILE, p.out_channels - first);
  if (columns <= 0 || vector >= vectors_of(&p)) return;
  __global const float *const x = (__global const float *)(operand + p.operand);
  __global const float *const w = (__global const float *)(weight + p.weight);
  const bool packed = is_somewhere(p.indices);
  float16 sums[TILE];
  size_t starts[TILE];
  for (int t = 0; t < TILE; ++t) {
    // What is too much in the last tile repeats its last column.
    const int column = first + min(t, columns - 1);
    sums[t] = first_sum(bias, &p, column);
    starts[t] = (size_t)column * p.column_stride;
  }
  for (int r = 0; r < p.window.taps[0]; ++r) {
    for (int s = 0; s < p.window.taps[1]; ++s) {
      const long pixel = vector_pixel(&p, vector, r, s);
      if (pixel < 0) continue;
      __global const float *const from = x + (size_t)pixel * p.in_channels * LANES;
      size_t at = (size_t)(r * p.window.taps[1] + s) * p.tap_stride;
      if (!packed) {
        for (int c = 0; c < p.in_channels; ++c, at += p.stride) {
          const float16 values = vload16(c, from);
          for (int t = 0; t < TILE; ++t) sums[t] += values * w[starts[t] + at];
        }
        continue;
      }
      for (int group = 0; group < p.in_channels; group += p.m) {
        const int kept = kept_in_group(p.n, p.m, min(p.m, p.in_channels - group));
        for (int j = 0; j < kept; ++j, ++at) {
          for (int t = 0; t < TILE; ++t) {
            const size_t element = starts[t] + at;
            sums[t] += vload16(group + indices[p.indices + element], from) * w[element];
          }
        }
      }
    }
  }
  for (int t = 0; t < columns; ++t) store_sum(result_of(result, &p, vector, first + t), &p, vector, sums[t]);
}

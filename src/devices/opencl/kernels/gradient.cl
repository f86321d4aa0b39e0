// WU: a work-item makes TILE output x TILE input channels under one tap. Images are summed side by side, and
// added up at the end.

// Values of a block's pixel; zeros in lanes without an image, whatever lies there.
float16 load_images(__global const float *from, int images) {
  const int16 lane = (int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const float16 values = vload16(0, from);
  return images >= LANES ? values : select(values, (float16)(0.0f), lane >= images);
}

float sum_of(float16 values) {
  const float8 eight = values.lo + values.hi;
  const float4 four = eight.lo + eight.hi;
  const float2 two = four.lo + four.hi;
  return two.x + two.y;
}

__kernel SQUARE void gradient(__global const uchar *x, __global const uchar *dy, __global uchar *result,
                       const struct Gradient p) {
  const int taps = p.window.taps[0] * p.window.taps[1];
  const int first_out = get_global_id(0) * TILE;
  const int first_in = get_global_id(1) / taps * TILE;
  const int tap = get_global_id(1) % taps;
  if (first_out >= p.out_channels || first_in >= p.in_channels) return;
  const int r = tap / p.window.taps[1], s = tap % p.window.taps[1];
  __global const float *const xs = (__global const float *)(x + p.x);
  __global const float *const dys = (__global const float *)(dy + p.dy);
  const int out_pixels = p.out_size[0] * p.out_size[1], in_pixels = p.in_size[0] * p.in_size[1];
  float16 sums[TILE][TILE];
  for (int i = 0; i < TILE; ++i) {
    for (int j = 0; j < TILE; ++j) sums[i][j] = (float16)(0.0f);
  }
  for (int first = 0; first < p.images; first += LANES) {
    const size_t block = first / LANES;
    for (int out = 0; out < out_pixels; ++out) {
      const int in =
          paired_pixel(&p.window, p.in_size, 0, out / p.out_size[1], out % p.out_size[1], r, s);
      if (in < 0) continue;
      const size_t x_at = (block * in_pixels + in) * p.in_channels;
      const size_t dy_at = (block * out_pixels + out) * p.out_channels;
      float16 values[TILE];
      for (int j = 0; j < TILE; ++j)
        values[j] = load_images(xs + (x_at + min(first_in + j, p.in_channels - 1)) * LANES, p.images - first);
      for (int i = 0; i < TILE; ++i) {
        const float16 factor =
            load_images(dys + (dy_at + min(first_out + i, p.out_channels - 1)) * LANES, p.images - first);
        for (int j = 0; j < TILE; ++j) sums[i][j] += factor * values[j];
      }
    }
  }
  __global float *const dw = (__global float *)(result + p.result);
  for (int i = 0; i < TILE && first_out + i < p.out_channels; ++i) {
    for (int j = 0; j < TILE && first_in + j < p.in_channels; ++j)
      dw[((size_t)(first_out + i) * taps + tap) * p.in_channels + first_in + j] = sum_of(sums[i][j]);
  }
}

__kernel LINE void bias_gradient(__global const uchar *dy, __global uchar *result, const struct BiasGradient p,
                            const Int images) {
  const int k = get_global_id(0);
  if (k >= p.channels) return;
  __global const float *const dys = (__global const float *)(dy + p.dy);
  float16 sum = (float16)(0.0f);
  for (int at = 0; at < p.blocks * p.pixels; ++at)
    sum += load_images(dys + ((size_t)at * p.channels + k) * LANES, images - at / p.pixels * LANES);
  ((__global float *)(result + p.result))[k] = sum_of(sum);
}

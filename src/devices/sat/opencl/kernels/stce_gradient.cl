// The sparse tensor computing engine in WU. A column of the array is an output channel; a vector is LANES input
// channels under one tap, whose sums take turns in a USPE; the reduction runs over blocks, pixels of dY and the
// images of a block. Lanes without an image hold zeros, which change no sum that starts from +0.

int channel_blocks(const struct Gradient *p) { return (p->in_channels + LANES - 1) / LANES; }
int gradient_vectors(const struct Gradient *p) {
  return channel_blocks(p) * p->window.taps[0] * p->window.taps[1];
}

// The pixel of x, counted from the first of all blocks, that a vector's tap pairs with a pixel of dY; -1 for none.
long x_pixel(const struct Gradient *p, int vector, int moment) {
  const int pixels = p->out_size[0] * p->out_size[1];
  const int tap = vector / channel_blocks(p);
  const int at = moment % pixels;
  const int pixel = paired_pixel(&p->window, p->in_size, 0, at / p->out_size[1], at % p->out_size[1],
                                 tap / p->window.taps[1], tap % p->window.taps[1]);
  return pixel < 0 ? -1 : (long)(moment / pixels) * (p->in_size[0] * p->in_size[1]) + pixel;
}

// Turns one pixel of a vector's channels into `to`, [image][channel]: one row of the 16 x 16 for each work-item
// of the COLUMNS.
void turn(__global const uchar *x, const struct Gradient *p, int vector, long pixel, __local float *to) {
  const int first = vector % channel_blocks(p) * LANES;
  for (int i = get_local_id(0); i < LANES; i += COLUMNS) {
    float images[LANES] = {0};
    if (first + i < p->in_channels)
      vstore16(load_halves(x, p->x, ((size_t)pixel * p->in_channels + first + i) * LANES), 0, images);
    for (int n = 0; n < LANES; ++n) to[n * LANES + i] = images[n];
  }
}

__global float *gradient_of(__global uchar *result, const struct Gradient *p, int vector, int column) {
  const int tap = vector / channel_blocks(p);
  const int taps = p->window.taps[0] * p->window.taps[1];
  return (__global float *)(result + p->result) + ((size_t)column * taps + tap) * p->in_channels +
         vector % channel_blocks(p) * LANES;
}

int channels_here(const struct Gradient *p, int vector) {
  return min(LANES, p->in_channels - vector % channel_blocks(p) * LANES);
}

void store_gradient(__global float *to, int channels, float16 sum) {
  if (channels == LANES) {
    vstore16(sum, 0, to);
    return;
  }
  float sums[LANES];
  vstore16(sum, 0, sums);
  for (int i = 0; i < channels; ++i) to[i] = sums[i];
}

float16 load_gradient(__global const float *from, int channels) {
  if (channels == LANES) return vload16(0, from);
  float sums[LANES] = {0};
  for (int i = 0; i < channels; ++i) sums[i] = from[i];
  return vload16(0, sums);
}

// Output stationary: ROWS vectors x COLUMNS output channels of sums stay while pixels stream past.
__kernel __attribute__((reqd_work_group_size(COLUMNS, ROWS, 1)))
void stce_wu_os(__global const uchar *x, __global const uchar *dy, __global uchar *result,
                const struct Gradient p) {
  __local float16 turned[ROWS * LANES];  // [row][image][channel]
  const int column = get_global_id(0);
  const int vector = get_global_id(1);
  const int row = get_local_id(1);
  const bool real = column < p.out_channels && vector < gradient_vectors(&p);
  const int moments = (p.images + LANES - 1) / LANES * p.out_size[0] * p.out_size[1];
  float16 sum = (float16)(0.0f);
  for (int moment = 0; moment < moments; ++moment) {
    const long pixel = vector < gradient_vectors(&p) ? x_pixel(&p, vector, moment) : -1;
    if (pixel >= 0) turn(x, &p, vector, pixel, (__local float *)(turned + row * LANES));
    barrier(CLK_LOCAL_MEM_FENCE);
    if (real && pixel >= 0) {
      float factors[LANES];
      vstore16(load_halves(dy, p.dy, ((size_t)moment * p.out_channels + column) * LANES), 0, factors);
      for (int n = 0; n < LANES; ++n) sum += turned[row * LANES + n] * factors[n];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  if (real) store_gradient(gradient_of(result, &p, vector, column), channels_here(&p, vector), sum);
}

// Weight stationary: a column keeps ROWS values of dY, images of one pixel or more, while vectors stream past.
__kernel __attribute__((reqd_work_group_size(COLUMNS, 1, 1)))
void stce_wu_ws(__global const uchar *x, __global const uchar *dy, __global uchar *result,
                const struct Gradient p) {
  __local float16 turned[LANES];  // [image][channel]
  const int column = get_global_id(0);
  const bool real = column < p.out_channels;
  const int first = get_group_id(1) * STREAM;
  const int last = min(first + STREAM, gradient_vectors(&p));
  const int reduction = (p.images + LANES - 1) / LANES * p.out_size[0] * p.out_size[1] * LANES;
  float held[ROWS];
  for (int fold = 0; fold < reduction; fold += ROWS) {
    const int rows = min(ROWS, reduction - fold);
    for (int row = 0; row < rows && real; ++row) {
      const int moment = (fold + row) / LANES;
      held[row] = load_half(dy, p.dy, ((size_t)moment * p.out_channels + column) * LANES + (fold + row) % LANES);
    }
    for (int vector = first; vector < last; ++vector) {
      __global float *const to = gradient_of(result, &p, vector, column);
      const int channels = channels_here(&p, vector);
      float16 sum = fold == 0 || !real ? (float16)(0.0f) : load_gradient(to, channels);
      for (int row = 0; row < rows;) {
        const int image = (fold + row) % LANES;
        const int here = min(LANES - image, rows - row);
        const long pixel = x_pixel(&p, vector, (fold + row) / LANES);
        if (pixel >= 0) turn(x, &p, vector, pixel, (__local float *)turned);
        barrier(CLK_LOCAL_MEM_FENCE);
        if (real && pixel >= 0) {
          for (int n = 0; n < here; ++n) sum += turned[image + n] * held[row + n];
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        row += here;
      }
      if (real) store_gradient(to, channels, sum);
    }
  }
}

__kernel __attribute__((reqd_work_group_size(COLUMNS, 1, 1)))
void stce_bias_gradient(__global const uchar *dy, __global uchar *result, const struct BiasGradient p) {
  const int k = get_global_id(0);
  if (k >= p.channels) return;
  float sum = 0.0f;
  for (int moment = 0; moment < p.blocks * p.pixels; ++moment) {
    float images[LANES];
    vstore16(load_halves(dy, p.dy, ((size_t)moment * p.channels + k) * LANES), 0, images);
    for (int n = 0; n < LANES; ++n) sum += images[n];
  }
  ((__global float *)(result + p.result))[k] = sum;
}

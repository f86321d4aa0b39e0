// Pixels and sums of a pass: a vector is an output pixel of the LANES images of a block.

// The operand's pixel that tap (r, s) pairs with the result's pixel at `row`, `column`; -1 for none.
int paired_pixel(const struct Window *window, const Int *size, int backward, int row, int column, int r, int s) {
  const int at[2] = {row, column};
  const int tap[2] = {r, s};
  int pixel[2];
  for (int i = 0; i < 2; ++i) {
    if (!backward) {
      pixel[i] = at[i] * window->stride[i] - window->padding[i] + tap[i] * window->dilation[i];
    } else {
      const int moved = at[i] + window->padding[i] - tap[i] * window->dilation[i];
      if (moved < 0 || moved % window->stride[i] != 0) return -1;
      pixel[i] = moved / window->stride[i];
    }
    if (pixel[i] < 0 || pixel[i] >= size[i]) return -1;
  }
  return pixel[0] * size[1] + pixel[1];
}

// What paired_pixel gives, counted from the first pixel of the first block.
long vector_pixel(const struct Product *p, int vector, int r, int s) {
  const int pixels = p->out_size[0] * p->out_size[1];
  const int at = vector % pixels;
  const int pixel =
      paired_pixel(&p->window, p->in_size, p->backward, at / p->out_size[1], at % p->out_size[1], r, s);
  return pixel < 0 ? -1 : (long)(vector / pixels) * (p->in_size[0] * p->in_size[1]) + pixel;
}

int vectors_of(const struct Product *p) {
  return (p->images + LANES - 1) / LANES * p->out_size[0] * p->out_size[1];
}

float16 first_sum(__global const uchar *bias, const struct Product *p, int column) {
  return (float16)(is_somewhere(p->bias) ? ((__global const float *)(bias + p->bias))[column] : 0.0f);
}

__global float *result_of(__global uchar *result, const struct Product *p, int vector, int column) {
  return (__global float *)(result + p->result) + ((size_t)vector * p->out_channels + column) * LANES;
}

// Lanes without an image are written as zeros: theirs times an infinite weight is no number.
void store_sum(__global float *to, const struct Product *p, int vector, float16 sum) {
  const int images = p->images - vector / (p->out_size[0] * p->out_size[1]) * LANES;
  const int16 lane = (int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  vstore16(select(sum, (float16)(0.0f), lane >= images), 0, to);
}

// The sparse tensor computing engine in FF and BP: ROWS x COLUMNS USPEs. A column of the array is an output
// channel (input channel in BP), a vector is an output pixel of the LANES images of a block, whose sums take
// turns in a USPE. Each output is one sum in one order: tile of channels, tap, channel.

// Output stationary: a USPE keeps its sums while weights and vectors of the whole reduction stream past.
__kernel __attribute__((reqd_work_group_size(COLUMNS, ROWS, 1)))
void stce_os(__global const uchar *operand, __global const uchar *weight, __global const uchar *indices,
             __global const uchar *bias, __global uchar *result, const struct Product p) {
  const int column = get_global_id(0);
  const int vector = get_global_id(1);
  if (column >= p.out_channels || vector >= vectors_of(&p)) return;
  const bool packed = is_somewhere(p.indices);
  float16 sum = first_sum(bias, &p, column);
  for (int tile = 0; tile < p.in_channels; tile += p.unit) {
    const int end = min(tile + p.unit, p.in_channels);
    for (int r = 0; r < p.window.taps[0]; ++r) {
      for (int s = 0; s < p.window.taps[1]; ++s) {
        const long pixel = vector_pixel(&p, vector, r, s);
        if (pixel < 0) continue;
        const size_t from = (size_t)pixel * p.in_channels;
        const size_t tap = (size_t)column * p.column_stride + (r * p.window.taps[1] + s) * p.tap_stride;
        if (!packed) {
          for (int c = tile; c < end; ++c) {
            const float w = load_half(weight, p.weight, tap + (size_t)c * p.stride);
            sum += load_halves(operand, p.operand, (from + c) * LANES) * w;
          }
          continue;
        }
        size_t at = tap + tile / p.m * p.n;
        for (int group = tile; group < end; group += p.m) {
          const int kept = kept_in_group(p.n, p.m, min(p.m, end - group));
          for (int j = 0; j < kept; ++j, ++at) {
            const int c = group + indices[p.indices + at];
            sum += load_halves(operand, p.operand, (from + c) * LANES) * load_half(weight, p.weight, at);
          }
        }
      }
    }
  }
  store_sum(result_of(result, &p, vector, column), &p, vector, sum);
}

// A column holds the weights of this many groups of one, fewer of larger ones.
#define HELD (4 * ROWS > LARGEST_GROUP ? 4 * ROWS : LARGEST_GROUP)

// Weight stationary: a column of the array keeps the weights of a fold while vectors stream past. Sums that are
// not finished at the end of a fold go to device memory in FP32 and come back in the next.
__kernel __attribute__((reqd_work_group_size(COLUMNS, 1, 1)))
void stce_ws(__global const uchar *operand, __global const uchar *weight, __global const uchar *indices,
             __global const uchar *bias, __global uchar *result, const struct Product p) {
  const int column = get_global_id(0);
  if (column >= p.out_channels) return;
  const int first = get_global_id(1) * STREAM;
  const int last = min(first + STREAM, vectors_of(&p));
  const bool packed = is_somewhere(p.indices);
  const int taps = p.window.taps[0] * p.window.taps[1];
  const int rows_of_fold = clamp(HELD / p.n, 1, ROWS);
  const int groups = (p.in_channels + p.m - 1) / p.m * taps;
  const int groups_of_tile = p.unit / p.m;

  float held[HELD];
  int channels[HELD];
  int taps_of_row[ROWS], ends[ROWS];
  for (int fold = 0; fold < groups; fold += rows_of_fold) {
    const int rows = min(rows_of_fold, groups - fold);
    int loaded = 0;
    for (int row = 0; row < rows; ++row) {
      const int tile = (fold + row) / (groups_of_tile * taps);
      const int groups_here = min(groups_of_tile, groups / taps - tile * groups_of_tile);
      const int in_tile = fold + row - tile * groups_of_tile * taps;
      const int tap = in_tile / groups_here;
      const int group = tile * groups_of_tile + in_tile % groups_here;
      const int kept = kept_in_group(p.n, p.m, min(p.m, p.in_channels - group * p.m));
      const size_t at = (size_t)column * p.column_stride + (size_t)tap * p.tap_stride;
      for (int j = 0; j < kept; ++j, ++loaded) {
        const size_t element = at + (size_t)(group * p.n + j) * p.stride;
        held[loaded] = load_half(weight, p.weight, element);
        channels[loaded] = group * p.m + (packed ? indices[p.indices + element] : 0);
      }
      taps_of_row[row] = tap;
      ends[row] = loaded;
    }
    for (int vector = first; vector < last; ++vector) {
      __global float *const to = result_of(result, &p, vector, column);
      float16 sum = fold == 0 ? first_sum(bias, &p, column) : vload16(0, to);
      long pixel = -1;
      int j = 0;
      for (int row = 0; row < rows; ++row) {
        if (row == 0 || taps_of_row[row] != taps_of_row[row - 1]) {
          const int width = p.window.taps[1];
          pixel = vector_pixel(&p, vector, taps_of_row[row] / width, taps_of_row[row] % width);
        }
        if (pixel < 0) {
          j = ends[row];
          continue;
        }
        const size_t from = (size_t)pixel * p.in_channels;
        for (; j < ends[row]; ++j)
          sum += load_halves(operand, p.operand, (from + channels[j]) * LANES) * held[j];
      }
      if (fold + rows < groups) {
        vstore16(sum, 0, to);
      } else {
        store_sum(to, &p, vector, sum);
      }
    }
  }
}

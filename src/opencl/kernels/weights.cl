// Pruning and the optimiser: a work-item takes a group. On SAT it is a lane of SORE or of WUVE.

__kernel __attribute__((reqd_work_group_size(SORE_LANES, 1, 1)))
void sore(__global const uchar *weight, __global uchar *values, __global uchar *halves, __global uchar *indices,
          const struct Reduction p) {
  const int extent = p.along_inputs ? p.in_channels : p.out_channels;
  const int rows = p.along_inputs ? p.out_channels : p.in_channels;
  const int groups = (extent + p.m - 1) / p.m;
  const size_t lane = get_global_id(0);
  if (lane >= (size_t)rows * p.taps * groups) return;
  const int group = lane % groups;
  const int tap = lane / groups % p.taps;
  const int row = lane / groups / p.taps;

  // Element (k, c) of a tap lies at (k * taps + tap) * C + c.
  const size_t across = (size_t)p.taps * p.in_channels;
  const size_t stride = p.along_inputs ? 1 : across;
  __global const float *const from = (__global const float *)(weight + p.weight) +
                                     row * (p.along_inputs ? across : 1) + (size_t)tap * p.in_channels +
                                     group * p.m * stride;
  const int here = min(p.m, extent - group * p.m);
  const ulong chosen = choose(from, stride, here, kept_in_group(p.n, p.m, here));
  size_t at = ((size_t)row * p.taps + tap) * kept_along(p.n, p.m, extent) + (size_t)group * p.n;
  for (int i = 0; i < here; ++i) {
    if (!(chosen >> i & 1)) continue;
    const float value = from[i * stride];
    ((__global float *)(values + p.values))[at] = value;
    if (is_somewhere(p.halves)) ((__global ushort *)(halves + p.halves))[at] = half_of(value);
    indices[p.indices + at] = (uchar)i;
    ++at;
  }
}

// Momentum SGD. The gradient gets its SR-STE term first, by the mask of the weights before the step.
__kernel __attribute__((reqd_work_group_size(WUVE_LANES, 1, 1)))
void wuve(__global uchar *weight, __global const uchar *gradient, __global uchar *velocity, const struct Step p) {
  const int groups = (p.channels + p.m - 1) / p.m;
  const size_t lane = get_global_id(0);
  if (lane >= (size_t)p.rows * groups) return;
  const int first_channel = lane % groups * p.m;
  const int extent = min(p.m, p.channels - first_channel);
  const size_t first = lane / groups * p.channels + first_channel;
  __global float *const w = (__global float *)(weight + p.weight) + first;
  __global const float *const dw = (__global const float *)(gradient + p.gradient) + first;
  __global float *const v = (__global float *)(velocity + (is_somewhere(p.velocity) ? p.velocity : 0)) + first;
  const ulong kept = p.sr_ste != 0.0f ? choose(w, 1, extent, kept_in_group(p.n, p.m, extent)) : ~0ul;
  for (int i = 0; i < extent; ++i) {
    float g = dw[i];
    if (!(kept >> i & 1)) g += p.sr_ste * w[i];
    g += p.weight_decay * w[i];
    if (is_somewhere(p.velocity)) {
      v[i] = p.momentum * v[i] + g;
      g = p.nesterov ? g + p.momentum * v[i] : v[i];
    }
    w[i] -= p.lr * g;
  }
}

#pragma once

#include <cstdint>

// The hot loops of the differentiable functions, built once for each instruction set. They work on raw
// pointers and know nothing of tensors. "Lanes" are the sixteen images that lie side by side in
// MemoryFormat::batch_blocked.
//
// The headers of this folder are compiled with different instruction sets into one program. Every function in
// them is therefore a template on the width of the vector registers, so that no two units define the same
// symbol, and they include nothing that has inline functions of its own.

namespace satsuma::kernels {

inline constexpr int kLanes = 16;

/// A matrix whose elements are lanes: element (i, j) starts at data + i * row + j * column.
template <typename T>
struct LaneMatrix {
  T* data;
  std::int64_t row;
  std::int64_t column;
};

/// A matrix of numbers: element (i, j) at data + i * row + j * column.
template <typename T>
struct StridedMatrix {
  T* data;
  std::int64_t row;
  std::int64_t column;
};

/// Part of an activation [pixels][channels][16]: `width` numbers (channels * 16) of each of `pixels` pixels,
/// which start `step` numbers apart.
struct Patch {
  std::int64_t pixels;
  std::int64_t step;
  std::int64_t width;
};

template <typename T>
struct Kernels {
  using Size = std::int64_t;

  // Runs of n elements.
  void (*relu)(const T* x, T* y, Size n);
  void (*relu_grad)(const T* y, const T* g, T* dx, Size n);
  void (*gelu)(const T* x, T* y, Size n);
  void (*gelu_grad)(const T* x, const T* g, T* dx, Size n);
  void (*add)(const T* a, const T* b, T* y, Size n);
  void (*add_relu)(const T* a, const T* b, T* y, Size n);
  void (*mul)(const T* a, const T* b, T* y, Size n);
  void (*scale)(const T* x, T factor, T* y, Size n);
  /// y += factor * x.
  void (*axpy)(const T* x, T factor, T* y, Size n);

  // bf16, which is what the forward pass keeps under SavedPrecision: the bits of BFloat16.
  /// y = x (- mean, [width], if it is not null), rounded as BFloat16 does.
  void (*narrow)(const T* x, Patch patch, const T* mean, std::uint16_t* y);
  void (*widen)(const std::uint16_t* x, T* y, Size n);
  /// As relu_grad, gelu_grad, grad_moments and normalise_grad.
  void (*relu_grad_narrow)(const std::uint16_t* y, const T* g, T* dx, Size n);
  void (*gelu_grad_narrow)(const std::uint16_t* x, const T* g, T* dx, Size n);
  void (*grad_moments_narrow)(const T* g, const std::uint16_t* x, const std::uint16_t* y, T* masked,
                              Patch patch, const T* mean, T* sum, T* dot);
  void (*normalise_grad_narrow)(const T* g, const std::uint16_t* x, const std::uint16_t* y, T* dx,
                                Patch patch, const T* mean, const T* a, const T* b, const T* c);

  // Batch normalisation; vectors that stand for channels are repeated for the lanes, [channels][16].
  /// Sums of (x - shift) and of its square over the pixels of a patch.
  void (*moments)(const T* x, Patch patch, const T* shift, T* sum, T* square);
  /// y = scale * (x - mean) + bias (+ residual, may be null), then max(y, 0) if `relu`.
  void (*normalise)(const T* x, const T* residual, T* y, Patch patch, const T* mean, const T* scale,
                    const T* bias, bool relu);
  /// Sums of g and of g * (x - mean) over the pixels. Where `y` is not null g counts only where y > 0; that
  /// product is written to `masked` if it is not null.
  void (*grad_moments)(const T* g, const T* x, const T* y, T* masked, Patch patch, const T* mean, T* sum,
                       T* dot);
  /// dx = a * g + b * (x - mean) + c, g masked by y > 0 where `y` is not null.
  void (*normalise_grad)(const T* g, const T* x, const T* y, T* dx, Patch patch, const T* mean, const T* a,
                         const T* b, const T* c);
  /// out[c] = sum of the first `valid` lanes of channel c.
  void (*fold_lanes)(const T* lanes, Size channels, Size valid, double* out);

  // Pooling.
  /// y = the largest of `count` runs, which = the id of the first run that has it.
  void (*max_of)(const T* const* runs, const std::uint8_t* ids, int count, Size n, T* y, std::uint8_t* which);
  /// dx += g where which == id.
  void (*add_where)(const T* g, const std::uint8_t* which, std::uint8_t id, Size n, T* dx);

  // Rows: n elements of lanes, `stride` numbers apart; one result for each lane.
  /// Softmax, in place if y == x; log of the sum of exponentials to log_sum[16] if it is not null.
  void (*softmax)(const T* x, T* y, Size n, Size stride, T* log_sum);
  /// dx = y * (g - sum(g * y)).
  void (*softmax_grad)(const T* y, const T* g, T* dx, Size n, Size stride);
  /// p <- exp(p - log_sum), dp <- factor * p * (dp - delta): softmax and its derivative from the scores.
  void (*softmax_again)(T* p, T* dp, Size n, const T* log_sum, const T* delta, T factor);
  /// y = gamma * (x - mean) * inverse + beta; mean and inverse deviation to [16] each.
  void (*layer_norm)(const T* x, T* y, Size n, const T* gamma, const T* beta, T eps, T* mean, T* inverse);
  /// dx; adds g * xhat to dgamma[n][16] and g to dbeta[n][16].
  void (*layer_norm_grad)(const T* x, const T* g, T* dx, Size n, const T* gamma, const T* mean,
                          const T* inverse, T* dgamma, T* dbeta);

  /// c (i, j) = factor * sum_k a(i, k) * b(j, k) (+ c if `accumulate`), lane by lane; c is m x n, k terms.
  void (*product)(Size m, Size n, Size k, LaneMatrix<const T> a, LaneMatrix<const T> b, LaneMatrix<T> c,
                  T factor, bool accumulate);

  // Rows of n contiguous numbers, of one image.
  /// Softmax, in place if y == x; log of the sum of exponentials to *log_sum.
  void (*softmax_row)(const T* x, T* y, Size n, T* log_sum);
  /// As layer_norm; mean and inverse deviation to one number each.
  void (*layer_norm_row)(const T* x, T* y, Size n, const T* gamma, const T* beta, T eps, T* mean, T* inverse);
  /// As layer_norm_grad; adds to dgamma[n] and dbeta[n].
  void (*layer_norm_row_grad)(const T* x, const T* g, T* dx, Size n, const T* gamma, T mean, T inverse,
                              T* dgamma, T* dbeta);
  /// c (i, j) = factor * sum_k a(i, k) * b(k, j) (+ c if `accumulate`); c is m x n, k terms. Rows of b and c
  /// are contiguous.
  void (*row_product)(Size m, Size n, Size k, StridedMatrix<const T> a, const T* b, Size b_row, T* c,
                      Size c_row, T factor, bool accumulate);
};

/// Kernels for registers of `Width` bytes: 16 (plain), 32 (AVX2 and FMA), 64 (AVX-512).
template <int Width, typename T>
const Kernels<T>& kernels_of();

/// Kernels for active_isa().
template <typename T>
const Kernels<T>& active();

}  // namespace satsuma::kernels

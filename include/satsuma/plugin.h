/**
 * The interface between Satsuma and a device in a shared object of its own: plain C99, no header of Satsuma's
 * besides this one, nothing to link with. docs/backends.md goes from an empty folder to a backend that passes
 * conformance.
 *
 * A plug-in exports one function,
 *
 *     SATSUMA_PLUGIN_EXPORT const satsuma_plugin *satsuma_plugin_entry(void);
 *
 * which returns a table in static storage: first the version of this interface and the sizes of its
 * structures, which Satsuma checks before it calls anything else, then functions. Most functions may be null;
 * what Satsuma does instead is said with each. The smallest plug-in has one: `matmul`.
 *
 * Versions. Within one SATSUMA_PLUGIN_INTERFACE structures only grow at the end and numbers keep their
 * meaning: a plug-in works with every later Satsuma of the same interface, without being compiled again.
 * Anything else raises SATSUMA_PLUGIN_INTERFACE, and plug-ins of another one are refused with a line that
 * says so.
 *
 * Memory. Whatever is passed belongs to the caller and is valid during the call. Exceptions: `host` and the
 * table live as long as the program, and memory of `allocate` until `deallocate`. All memory can be reached
 * by the host.
 *
 * Threads. Satsuma calls from one thread at a time, but not always the same one; only `supports`, `allocate`
 * and `deallocate` may be called by several at once.
 *
 * Errors. Functions that return a status give SATSUMA_OK or an error, and then one line in `error`. What was
 * computed so far is thrown away; the plug-in must be able to go on. Exceptions must not leave a function.
 */
#ifndef SATSUMA_PLUGIN_H
#define SATSUMA_PLUGIN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SATSUMA_PLUGIN_INTERFACE 2

#if defined(__GNUC__)
#define SATSUMA_PLUGIN_EXPORT __attribute__((visibility("default")))
#else
#define SATSUMA_PLUGIN_EXPORT
#endif

/** What a function returns. */
enum { SATSUMA_OK = 0, SATSUMA_FAILED = 1, SATSUMA_OUT_OF_MEMORY = 2 };

/** Types of elements. Numbers that are not listed will come to be: refuse what you do not know. */
enum { SATSUMA_F32 = 1, SATSUMA_F64 = 2, SATSUMA_BF16 = 3, SATSUMA_F16 = 4, SATSUMA_I64 = 5, SATSUMA_U8 = 6 };

/** Forward Y = X * W, backward data dX = dY * W^T, weight gradient dW = X^T * dY. */
enum { SATSUMA_FF = 0, SATSUMA_BP = 1, SATSUMA_WU = 2 };

/** How elements of a tensor [N, C, H, W] lie: last axis innermost; [N, H, W, C]; [N/16, H, W, C, 16]. */
enum { SATSUMA_ROW_MAJOR = 0, SATSUMA_CHANNELS_LAST = 1, SATSUMA_BATCH_BLOCKED = 2 };

/** The axis of a weight [K, C, R, S] along which groups of N:M run: C for W_ff, K for W_bp. */
enum { SATSUMA_INPUT_CHANNELS = 0, SATSUMA_OUTPUT_CHANNELS = 1 };

/**
 * How dY is pruned on its way into a pass. SATSUMA_PRUNED (BP): of each m output channels, for each image and
 * pixel, the n of largest magnitude, ties to the lower channel. SATSUMA_SAMPLED (WU): of each m images of a
 * block of sixteen, for each pixel and output channel, a random choice of n, scaled so that dW is unbiased:
 * docs/architecture.md, "Layout of a sampled gradient", and sample_line(), sample_uniform(), sample_group()
 * of satsuma/sparse/sampling.hpp, formula by formula; the key is satsuma_pass.draw. The bias gradient sums
 * the whole dY. Refuse what you do not know.
 */
enum { SATSUMA_DENSE = 0, SATSUMA_PRUNED = 1, SATSUMA_SAMPLED = 2 };

/** Where one line of text goes, ended by a zero; `capacity` counts it. */
typedef struct satsuma_text {
  char* data;
  uint64_t capacity;
} satsuma_text;

/** Of each m consecutive elements at most n are kept; n = m is dense. 1 <= n <= m <= 64. */
typedef struct satsuma_pattern {
  int32_t n;
  int32_t m;
} satsuma_pattern;

/**
 * Element (i0, i1, ...) is at data[(i0 / lanes) * strides[0] + i0 % lanes + i1 * strides[1] + ...]; lanes is
 * 16 in SATSUMA_BATCH_BLOCKED and 1 otherwise. Where the batch is no multiple of 16, the lanes past it hold
 * finite numbers of no meaning: outputs must have finite numbers there, too, and sums over the batch must
 * leave them out.
 */
typedef struct satsuma_tensor {
  void* data; /**< outputs are wholly overwritten */
  int32_t dtype;
  int32_t format;
  int32_t rank;
  int32_t lanes;
  int64_t shape[4];
  int64_t strides[4]; /**< in elements */
} satsuma_tensor;

/** A convolution; a linear layer is one of 1x1 over one pixel. Pairs are height, width. */
typedef struct satsuma_geometry {
  int64_t in_channels;
  int64_t out_channels;
  int64_t kernel[2];
  int64_t stride[2];
  int64_t padding[2];
  int64_t dilation[2];
  int64_t groups;
} satsuma_geometry;

/** What a layer asks for before it relies on the plug-in. */
typedef struct satsuma_request {
  satsuma_geometry geometry;
  int32_t pass;
  int32_t dtype;            /**< of tensors */
  int32_t operands;         /**< see satsuma_pass */
  int32_t reserved;         /**< 0 */
  satsuma_pattern weight;   /**< of the weight in FF and BP */
  satsuma_pattern gradient; /**< of dY in BP and WU */
  int32_t gradient_kind;    /**< SATSUMA_DENSE, ... */
  int32_t reserved2;        /**< 0 */
} satsuma_request;

/** What a pass computes, besides its tensors. */
typedef struct satsuma_pass {
  satsuma_geometry geometry;
  /** SATSUMA_F32: operands as they are. SATSUMA_BF16, SATSUMA_F16: both operands of every product are rounded
     to it (nearest even) and products summed in f32; tensors stay f32. */
  int32_t operands;
  int32_t reserved;         /**< 0 */
  satsuma_pattern gradient; /**< of dY in BP and WU */
  int32_t gradient_kind;    /**< SATSUMA_DENSE, ...: what `supports` said yes to */
  int32_t reserved2;        /**< 0 */
  uint64_t draw;            /**< key of the random choices under SATSUMA_SAMPLED */
} satsuma_pass;

/**
 * A weight with only its kept elements. Values and indices are row-major [rows, R, S, kept]. For W_ff rows
 * are output channels and groups run along C input channels; for W_bp rows are input channels and groups run
 * along K. Element (row, r, s, j) stands at channel (j / n) * m + index. A short last group of L elements
 * keeps ceil(n * L / m).
 */
typedef struct satsuma_packed {
  satsuma_pattern pattern;
  int32_t axis;
  int32_t dtype; /**< of values */
  int64_t rows;
  int64_t kernel[2];
  int64_t channels; /**< along which groups run */
  int64_t kept;     /**< along `channels` */
  void* values;
  uint8_t* indices; /**< position inside the group */
  void* form;       /**< what `prepare` has made of it, or null */
} satsuma_packed;

/** The weight of FF or BP: exactly one of the two is set. */
typedef struct satsuma_weight {
  const satsuma_tensor* dense; /**< [K, C / groups, R, S], channels-last */
  const satsuma_packed* packed;
} satsuma_weight;

/**
 * One step of stochastic gradient descent, PyTorch's rule: g = dW + weight_decay * W + decay * (1 - mask_ff)
 * * W; v = momentum * v + g; W -= lr * (nesterov ? g + momentum * v : v); without momentum W -= lr * g.
 * Tensors share one dense layout, channels-last. W and v change in place. Of any other optimiser Satsuma
 * computes the direction u and asks for W -= lr * u: `grad` is u, and there is no momentum, weight decay or
 * decay.
 */
typedef struct satsuma_update {
  const satsuma_tensor* weight;
  const satsuma_tensor* grad;
  const satsuma_tensor* velocity; /**< null without momentum */
  double lr;
  double momentum;
  double weight_decay;
  double decay; /**< of SR-STE, on elements that W_ff of the weight before the step leaves out */
  int32_t nesterov;
  int32_t reserved; /**< 0 */
  satsuma_pattern pattern;
  const satsuma_packed* packed_ff; /**< where set: to be filled with W_ff of the weight after the step */
  const satsuma_packed* packed_bp; /**< the same, W_bp */
} satsuma_update;

/**
 * C = A * B in f32. A is a weight: `rows` rows of `segments` * `length` columns, of which each segment keeps
 * `kept`: a[(row * segments + segment) * kept + j] stands in column segment * length + (j / n) * m +
 * indices[same place]. Dense: indices is null, kept = length, a[...] stands in column segment * length + j.
 * B has segments * length rows of `columns` elements, C has `rows` rows of them; both row-major without gaps,
 * C is wholly overwritten. `columns` is a multiple of 16. Under bf16 and f16 operands A and B hold numbers
 * that those types hold exactly.
 */
typedef struct satsuma_matmul {
  int64_t rows;
  int64_t segments;
  int64_t length;
  int64_t kept;
  int64_t columns;
  satsuma_pattern pattern;
  int32_t operands;
  int32_t pass; /**< SATSUMA_FF or SATSUMA_BP */
  const float* a;
  const uint8_t* indices;
  const float* b;
  float* c;
  void* form; /**< of the packed weight, see `prepare`; or null */
} satsuma_matmul;

/** What the device has moved and spent since `create`. Satsuma counts operations and time itself. */
typedef struct satsuma_counters {
  int64_t bytes_to_device;
  int64_t bytes_from_device;
  int64_t cycles; /**< 0 where unknown */
  double joules;  /**< 0 where unknown */
} satsuma_counters;

/** What a plug-in may call, from any thread that Satsuma has called it in. */
typedef struct satsuma_host {
  uint32_t size;
  uint32_t interface_version;
  /** Threads that computations are to use. */
  int32_t (*threads)(void);
  /** Calls body(context, begin, end) for parts of [0, count), one a thread, each of at least `grain` items;
     returns when all are done. The split depends on the three numbers alone. */
  void (*parallel_for)(int64_t count, int64_t grain, void (*body)(void* context, int64_t begin, int64_t end),
                       void* context);
} satsuma_host;

/** Sizes of the structures that a plug-in was compiled with. */
typedef struct satsuma_sizes {
  uint32_t plugin;
  uint32_t tensor;
  uint32_t request;
  uint32_t pass;
  uint32_t packed;
  uint32_t weight;
  uint32_t update;
  uint32_t matmul;
  uint32_t counters;
  uint32_t host;
} satsuma_sizes;

/** The table that a plug-in returns. `self` is what `create` made; `error` and `reason` are empty before the
 * call. */
typedef struct satsuma_plugin {
  uint32_t interface_version; /**< SATSUMA_PLUGIN_INTERFACE */
  satsuma_sizes sizes;        /**< SATSUMA_PLUGIN_SIZES */
  int32_t activation_format;  /**< of x, y, dx and dy; SATSUMA_BATCH_BLOCKED where `matmul` is used */
  const char* name;           /**< of the device: a-z, 0-9, _ and -, a letter first, at most 32 */
  const char* version;        /**< of the plug-in, any short text */

  /** Sets up the device, once, before anything else. An error makes it unavailable, with your line as the
     reason. Null: `self` is null. */
  int32_t (*create)(const satsuma_host* host, void** self, satsuma_text error);
  /** Called once, at the end of the program, unless that is killed. */
  void (*destroy)(void* self);
  /** One line for `satsuma devices`: what runs the work. Null: name and version. */
  void (*describe)(void* self, satsuma_text text);
  /** 1, or 0 and one line that says why. Asked only for what there are functions for, and with `matmul` only
     for one group, tensors of f32 and a dense dY. Null: yes to f32 tensors, a dense dY and operands of f32
     and, with `matmul`, bf16 and f16. */
  int32_t (*supports)(void* self, const satsuma_request* request, satsuma_text reason);

  /** Y[N, K, P, Q] = X[N, C, H, W] * W (+ bias[K], null for none). Null: made of `matmul`. */
  int32_t (*forward)(void* self, const satsuma_pass* pass, const satsuma_tensor* x,
                     const satsuma_weight* weight, const satsuma_tensor* bias, const satsuma_tensor* y,
                     satsuma_text error);
  /** dX[N, C, H, W] = dY[N, K, P, Q] * W^T. Null: made of `matmul`. */
  int32_t (*backward_data)(void* self, const satsuma_pass* pass, const satsuma_tensor* dy,
                           const satsuma_weight* weight, const satsuma_tensor* dx, satsuma_text error);
  /** dW[K, C / groups, R, S] = X^T * dY, and dbias[K] = sum of dY over N, P, Q where dbias is not null.
      Null: the device `cpu` does it. */
  int32_t (*backward_weights)(void* self, const satsuma_pass* pass, const satsuma_tensor* x,
                              const satsuma_tensor* dy, const satsuma_tensor* dw, const satsuma_tensor* dbias,
                              satsuma_text error);
  /** The product that FF and BP are made of where they are null. */
  int32_t (*matmul)(void* self, const satsuma_matmul* product, satsuma_text error);

  /** Fills values and indices of `packed` from `weight` [K, C, R, S], channels-last: the n largest magnitudes
     of each group in rising position, ties to the lower one. Null: `cpu`. */
  int32_t (*compress)(void* self, const satsuma_tensor* weight, const satsuma_packed* packed,
                      satsuma_text error);
  /** Optimiser step, and with it the next step's packed weights. Null: `cpu`, and `compress`. */
  int32_t (*update)(void* self, const satsuma_update* update, satsuma_text error);

  /** Called once for packed weights before they are first used, to arrange them for the device: *form is
     handed back with them until `release`. Null: none. */
  int32_t (*prepare)(void* self, const satsuma_packed* packed, void** form, satsuma_text error);
  void (*release)(void* self, void* form);

  /** Memory that the device reaches without a copy, aligned to 64 bytes. Null (both): the host's. */
  int32_t (*allocate)(void* self, uint64_t bytes, void** memory, satsuma_text error);
  void (*deallocate)(void* self, void* memory);
  /** Returns when all work is done. Called after each pass and update. Null: functions return when they are
   * done. */
  int32_t (*synchronize)(void* self, satsuma_text error);
  /** Null: zeros. */
  void (*counters)(void* self, satsuma_counters* counters);
} satsuma_plugin;

#define SATSUMA_PLUGIN_SIZES                                                                            \
  {                                                                                                     \
    sizeof(satsuma_plugin), sizeof(satsuma_tensor), sizeof(satsuma_request), sizeof(satsuma_pass),      \
        sizeof(satsuma_packed), sizeof(satsuma_weight), sizeof(satsuma_update), sizeof(satsuma_matmul), \
        sizeof(satsuma_counters), sizeof(satsuma_host)                                                  \
  }

/** What a plug-in defines. */
SATSUMA_PLUGIN_EXPORT const satsuma_plugin* satsuma_plugin_entry(void);

#ifdef __cplusplus
}
#endif

#endif

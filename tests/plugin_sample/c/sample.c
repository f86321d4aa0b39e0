/* A device for Satsuma in plain C, in a shared object of its own. Build it with meson or CMake, then:
 *   satsuma devices test sample --plugin build/libsample.so
 *   satsuma train --plugin build/libsample.so --device sample --model resnet9 --data fashion-mnist --method
 * bdwp
 *
 * It multiplies N:M weights with activations: FF and BP are made of that, and Satsuma does the rest.
 * satsuma/plugin.h lists what else a device can have. */
#include <satsuma/plugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the device keeps between calls. */
struct sample {
  const satsuma_host* host;
  int64_t products; /* multiply-adds so far: a cycle each */
};

/* One line of error or description. */
static void say(satsuma_text text, const char* line) {
  snprintf(text.data, text.capacity, "%s", line);
}

static int32_t create(const satsuma_host* host, void** self, satsuma_text error) {
  struct sample* sample = calloc(1, sizeof *sample);
  if (sample == NULL) {
    say(error, "no memory for the device");
    return SATSUMA_OUT_OF_MEMORY;
  }
  sample->host = host;
  *self = sample;
  return SATSUMA_OK;
}

static void destroy(void* self) {
  free(self);
}

static void describe(void* self, satsuma_text text) {
  const struct sample* sample = self;
  snprintf(text.data, text.capacity, "sample of a plug-in in C, plain loops, %d threads",
           sample->host->threads());
}

/* 1, or 0 and the reason. */
static int32_t supports(void* self, const satsuma_request* request, satsuma_text reason) {
  (void)self;
  if (request->pass != SATSUMA_WU && request->weight.m > 32) {
    say(reason, "has no selector for groups of more than 32");
    return 0;
  }
  return 1;
}

/* Rows [begin, end) of C = A * B: each is a sum of some rows of B, those that its kept weights stand for. */
static void multiply_rows(void* context, int64_t begin, int64_t end) {
  const satsuma_matmul* product = context;
  for (int64_t row = begin; row < end; ++row) {
    float* c = product->c + row * product->columns;
    int64_t at = row * product->segments * product->kept;
    memset(c, 0, (size_t)product->columns * sizeof *c);
    for (int64_t segment = 0; segment < product->segments; ++segment) {
      for (int64_t j = 0; j < product->kept; ++j, ++at) {
        int64_t channel = j;
        if (product->indices != NULL)
          channel = j / product->pattern.n * product->pattern.m + product->indices[at];
        const float weight = product->a[at];
        const float* b = product->b + (segment * product->length + channel) * product->columns;
        for (int64_t i = 0; i < product->columns; ++i) c[i] += weight * b[i];
      }
    }
  }
}

static int32_t matmul(void* self, const satsuma_matmul* product, satsuma_text error) {
  struct sample* sample = self;
  (void)error; /* nothing can fail */
  sample->host->parallel_for(product->rows, 1, multiply_rows, (void*)(uintptr_t)product);
  sample->products += product->rows * product->segments * product->kept * product->columns;
  return SATSUMA_OK;
}

static void counters(void* self, satsuma_counters* counters) {
  const struct sample* sample = self;
  counters->cycles = sample->products;
}

static const satsuma_plugin table = {
    .interface_version = SATSUMA_PLUGIN_INTERFACE,
    .sizes = SATSUMA_PLUGIN_SIZES,
    .activation_format = SATSUMA_BATCH_BLOCKED,
    .name = "sample",
    .version = "0.1.0",
    .create = create,
    .destroy = destroy,
    .describe = describe,
    .supports = supports,
    .matmul = matmul,
    .counters = counters,
};

const satsuma_plugin* satsuma_plugin_entry(void) {
  return &table;
}

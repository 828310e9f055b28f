/* The recurrence of the GRU in training, forwards and backwards in time. */
#include <stdlib.h>
#include <string.h>

#include "gru.h"

#define JOIN(a, b) a##b
#define PASTE(a, b) JOIN(a, b)
#define NAME(name) PASTE(name, SUFFIX)

/* The loops are compiled for vectors of several sizes. ROWS is how many rows of a product are
 * computed at once: the sums of so many, of two vectors each, stay in registers. */
#define SUFFIX _any
#define LANES 4
#define ROWS 6
#define TARGET
#define MULTIPLY_ADD(a, b, c) ((a) * (b) + (c))
#include "gru_loops.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define SUFFIX _avx2
#define LANES 8
#define ROWS 6
#define TARGET __attribute__((target("avx2,fma")))
#define MULTIPLY_ADD(a, b, c) ((NAME(Vector))_mm256_fmadd_ps(a, b, c))
#include "gru_loops.h"

#define SUFFIX _avx512
#define LANES 16
#define ROWS 8
#define TARGET __attribute__((target("avx512f")))
#define MULTIPLY_ADD(a, b, c) ((NAME(Vector))_mm512_fmadd_ps(a, b, c))
#include "gru_loops.h"
#endif

bool gru_forward(
    const Gru *layer, int32_t level, int64_t direction, int64_t first, int64_t last) {
#if defined(__x86_64__)
    if (level == AVX512)
        return forward_avx512(layer, direction, first, last);
    if (level == AVX2)
        return forward_avx2(layer, direction, first, last);
#endif
    (void)level;
    return forward_any(layer, direction, first, last);
}

bool gru_backward(
    const Gru *layer, int32_t level, int64_t direction, int64_t first, int64_t last) {
#if defined(__x86_64__)
    if (level == AVX512)
        return backward_avx512(layer, direction, first, last);
    if (level == AVX2)
        return backward_avx2(layer, direction, first, last);
#endif
    (void)level;
    return backward_any(layer, direction, first, last);
}

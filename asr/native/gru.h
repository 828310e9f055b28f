/* A layer of the GRU in training, over a padded batch; asr/training/cells/gru.py has the equations.
 * The structure is that of asr/native/structures.py. */
#ifndef ASR_GRU_H
#define ASR_GRU_H

#include <stdbool.h>

#include "native.h"

typedef struct {
    int64_t frames, directions, hidden;   /* T, D, H */
    const int64_t *lengths;               /* (B,), frames that exist */
    const float *weight, *bias;           /* (D, 3 H, H), (D, 3 H) */
    const float *products;                /* (B, T, D, 3 H), of the input */
    float *gates;                         /* (B, T, D, 3 H): r, z and n */
    float *candidates;                    /* (B, T, D, H): U_n h + c_n, before the reset gate */
    float *states;                        /* (B, T, D, H), zero behind each length */
    const float *states_gradient;         /* (B, T, D, H) */
    float *products_gradient;             /* (B, T, D, 3 H), zero behind each length */
    float *candidates_gradient;           /* (B, T, D, H), zero behind each length */
} Gru;

/* The instructions that the processor has. */
enum { ANY, AVX2, AVX512 };

/* Compute the states, or the gradients, of one direction for the sequences from `first` to `last`,
 * exclusive. Return false if there is no memory. */
EXPORT bool gru_forward(
    const Gru *layer, int32_t level, int64_t direction, int64_t first, int64_t last);
EXPORT bool gru_backward(
    const Gru *layer, int32_t level, int64_t direction, int64_t first, int64_t last);

#endif

/* The trellis that forced alignment searches. */
#ifndef ASR_ALIGN_H
#define ASR_ALIGN_H

#include "native.h"

/* The trellis of a text on log-probs; asr/native/align.py has the same fields in this order.
 *
 * State 2 k + 1 is on label k, state 2 k in the blank before it, and the last state in the blank
 * behind all labels. Scores are natural logarithms; two states that no path is in stand before all
 * others. The states from `low` to `high`, exclusive, are in use: all others are at minus infinity.
 */
typedef struct {
    const float *log_probs; /* (frames, size) */
    const int32_t *labels;  /* (count,) */
    double *scores;         /* (2 + states,) */
    int8_t *moves;          /* (block, width): by how many states each came forward in each frame */
    int64_t *lows;          /* (block,): the state of column 0 of `moves` in each frame */
    int32_t *starts, *ends; /* (count,): frames of the labels, `ends` exclusive; -1: not yet met */
    double threshold;       /* how far below the best a state at the ends of the range may be */
    int64_t size, count, blank, width, low, high;
} Trellis;

#endif

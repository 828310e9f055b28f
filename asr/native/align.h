/* Forced alignment. */
#ifndef ASR_ALIGN_H
#define ASR_ALIGN_H

#include "native.h"

/* Find the most probable path of the text `labels` (count,) through `log_probs` (frames, size),
 * whose moves are kept for `block` frames at a time. `starts` and `ends` (count,) get the first
 * frame and the last one, exclusive, of each label, `score` the logarithm of its probability.
 * Return 1, or 0 if no path to the end of the text is left, or -1 if there is no memory. */
EXPORT int32_t align_text(
    const float *log_probs, int64_t frames, int64_t size, const int32_t *labels, int64_t count,
    int64_t blank, int64_t block, double threshold, int32_t *starts, int32_t *ends,
    double *score);

#endif

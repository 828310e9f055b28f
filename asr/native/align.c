/* The loops of forced alignment; asr/decoding/alignment.py says what they are for. */
#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include "align.h"

/* Take the states in use through a frame, and return the best score. `row` (size,) are the frame's
 * log-probs. `moves` gets that of each state in use, unless it is NULL. */
static inline double step(const Trellis *trellis, const float *row, int8_t *moves) {
    const int32_t *labels = trellis->labels;
    double *const score = trellis->scores + 2;
    const int64_t low = trellis->low;
    const double quiet = row[trellis->blank];
    double best = -INFINITY, best_blank = -INFINITY;
    for (int64_t state = trellis->high - 1; state >= low; state--) { /* what is read is still old */
        double from = score[state];
        const double before = score[state - 1];
        int8_t move = before > from;
        from = before > from ? before : from;
        if (state & 1) {
            const int64_t k = state >> 1;
            const int32_t token = labels[k];
            const double skip = k > 0 && labels[k - 1] != token ? score[state - 2] : -INFINITY;
            move = skip > from ? 2 : move;
            from = skip > from ? skip : from;
            from += (double)row[token];
            best = from > best ? from : best;
        } else {
            from += quiet;
            best_blank = from > best_blank ? from : best_blank;
        }
        score[state] = from;
        if (moves)
            moves[state - low] = move;
    }
    return best > best_blank ? best : best_blank;
}

/* Take the scores through the frames of a block, from `first` to `last`, exclusive. The moves are
 * kept if `keep`. */
EXPORT void align_sweep(Trellis *trellis, int64_t first, int64_t last, bool keep) {
    const int64_t states = 2 * trellis->count + 1;
    double *const score = trellis->scores + 2;
    for (int64_t t = first; t < last; t++) {
        const float *row = trellis->log_probs + t * trellis->size;
        trellis->high = trellis->high + 2 < states ? trellis->high + 2 : states;
        double best;
        if (keep) {
            trellis->lows[t - first] = trellis->low;
            best = step(trellis, row, trellis->moves + (t - first) * trellis->width);
        } else {
            best = step(trellis, row, NULL);
        }
        const double floor = best - trellis->threshold;
        int64_t low = trellis->low, high = trellis->high;
        while (low < high - 1 && score[low] < floor)
            score[low++] = -INFINITY;
        while (high > low + 1 && score[high - 1] < floor)
            score[--high] = -INFINITY;
        trellis->low = low;
        trellis->high = high;
    }
}

/* Follow the path that is in `state` after a block whose moves were kept back through its frames,
 * note where it is on labels, and return the state before the block. */
EXPORT int64_t align_trace(const Trellis *trellis, int64_t first, int64_t last, int64_t state) {
    for (int64_t t = last - 1; t >= first; t--) {
        if (state & 1) {
            const int64_t k = state >> 1;
            if (trellis->starts[k] < 0)
                trellis->ends[k] = (int32_t)(t + 1);
            trellis->starts[k] = (int32_t)t;
        }
        const int8_t *moves = trellis->moves + (t - first) * trellis->width;
        state -= moves[state - trellis->lows[t - first]];
    }
    return state;
}

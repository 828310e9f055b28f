/* The loops of forced alignment; asr/decoding/alignment.py says what they are for.
 *
 * State 2 k + 1 is on label k, state 2 k in the blank before it, and the last state in the blank
 * behind all labels. `scores` (states + 2,) are natural logarithms; two states that no path is in
 * stand before all others. The states from `range[0]` to `range[1]`, exclusive, are in use: all
 * others are at minus infinity. */
#include <math.h>
#include <stddef.h>

#include "native.h"

/* Take the states from `low` to `high` of `score` (states,) through a frame, and return the best
 * score. `row` (V,) are the frame's log-probs. If `moves` is not NULL, it gets the number of states
 * that each state came forward; its first is that of the state `low`. */
static inline double step(
    const float *row, const int32_t *labels, int32_t blank, double *score, int64_t low,
    int64_t high, int8_t *moves)
{
    const double quiet = row[blank];
    double best = -INFINITY, best_blank = -INFINITY;
    for (int64_t state = high - 1; state >= low; state--) { /* what is read is not yet replaced */
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

/* Take `scores` through all frames of a block, and leave the states in use then in `range`.
 *
 * `log_probs` is (frames, size), `labels` (count,). States more than `threshold` below the best one
 * are pruned at both ends of the range. If `moves` (frames, width) is not NULL, it gets the number
 * of states that each state came forward in each frame; its column 0 is the state `lows[t]`. */
EXPORT void align_sweep(
    const float *log_probs, int64_t frames, int64_t size, const int32_t *labels, int64_t count,
    int32_t blank, double threshold, double *scores, int64_t range[2], int8_t *moves,
    int64_t width, int64_t *lows)
{
    const int64_t states = 2 * count + 1;
    double *const score = scores + 2;
    int64_t low = range[0], high = range[1];
    for (int64_t t = 0; t < frames; t++) {
        const float *row = log_probs + t * size;
        high = high + 2 < states ? high + 2 : states;
        double best;
        if (moves) {
            lows[t] = low;
            best = step(row, labels, blank, score, low, high, moves + t * width);
        } else {
            best = step(row, labels, blank, score, low, high, NULL);
        }
        const double floor = best - threshold;
        while (low < high - 1 && score[low] < floor)
            score[low++] = -INFINITY;
        while (high > low + 1 && score[high - 1] < floor)
            score[--high] = -INFINITY;
    }
    range[0] = low;
    range[1] = high;
}

/* Follow the path that is in `state` after a block back through its frames, and return the state
 * before them. `first` is the number of the block's first frame. Labels on the path get their first
 * frame in `starts` (count,) and the frame after their last in `ends` (count,); -1 in `starts`
 * marks labels that the path has not met yet. */
EXPORT int64_t align_trace(
    const int8_t *moves, int64_t width, const int64_t *lows, int64_t frames, int64_t first,
    int64_t state, int32_t *starts, int32_t *ends)
{
    for (int64_t t = frames - 1; t >= 0; t--) {
        if (state & 1) {
            const int64_t k = state >> 1;
            if (starts[k] < 0)
                ends[k] = (int32_t)(first + t + 1);
            starts[k] = (int32_t)(first + t);
        }
        state -= moves[t * width + state - lows[t]];
    }
    return state;
}

/* Forced alignment: Viterbi's algorithm on the trellis of a text; asr/decoding/alignment.py says
 * what it is for.
 *
 * State 2 k + 1 is on label k, state 2 k in the blank before it, and the last state in the blank
 * behind all labels. Scores are natural logarithms. */
#include "align.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* The states from `low` to `high`, exclusive, are in use: all others are at minus infinity. */
typedef struct {
    const float *log_probs; /* (frames, size) */
    const int32_t *labels;  /* (count,) */
    int64_t size, blank, states;
    double threshold;       /* how far below the best a state at the ends of the range may be */
    double *scores;         /* (states,); two states that no path is in stand before them */
    int64_t low, high;
    int8_t *moves;          /* (block, width): by how many states each came forward */
    int64_t *lows;          /* (block,): the state of column 0 of `moves` */
    int64_t width;
} Trellis;

/* The states in use before a block of frames. */
typedef struct {
    int64_t low, high;
    double *scores; /* (high - low,) */
} Begin;

/* Take the states in use through a frame, and return the best score. `row` (size,) are the frame's
 * log-probs. `moves` gets that of each state in use, unless it is NULL. */
static inline double step(const Trellis *trellis, const float *row, int8_t *moves) {
    const int32_t *labels = trellis->labels;
    double *const score = trellis->scores;
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

/* Take the scores through the frames from `first` to `last`, exclusive. The moves are kept if there
 * is room for them. */
static void sweep(Trellis *trellis, int64_t first, int64_t last) {
    double *const score = trellis->scores;
    for (int64_t t = first; t < last; t++) {
        const float *row = trellis->log_probs + t * trellis->size;
        trellis->high = trellis->high + 2 < trellis->states ? trellis->high + 2 : trellis->states;
        double best;
        if (trellis->moves) {
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
 * note in `starts` and `ends` where it is on labels, and return the state before the block. */
static int64_t trace(const Trellis *trellis, int64_t first, int64_t last, int64_t state,
                     int32_t *starts, int32_t *ends) {
    for (int64_t t = last - 1; t >= first; t--) {
        if (state & 1) {
            const int64_t k = state >> 1;
            if (starts[k] < 0)
                ends[k] = (int32_t)(t + 1);
            starts[k] = (int32_t)t;
        }
        const int8_t *moves = trellis->moves + (t - first) * trellis->width;
        state -= moves[state - trellis->lows[t - first]];
    }
    return state;
}

/* Sweep over all blocks of `block` frames but the last one, and note in `begins` (blocks,) the
 * states in use before each. Return the width of the widest trellis of a block, or -1 if there is
 * no memory. */
static int64_t first_pass(Trellis *trellis, int64_t block, int64_t blocks, Begin *begins) {
    int64_t widest = 0;
    for (int64_t i = 0; i < blocks; i++) {
        const int64_t low = trellis->low, count = trellis->high - low;
        begins[i] = (Begin){low, trellis->high, malloc((size_t)count * sizeof(double))};
        if (!begins[i].scores)
            return -1;
        memcpy(begins[i].scores, trellis->scores + low, (size_t)count * sizeof(double));
        widest = count > widest ? count : widest;
        if (i + 1 < blocks)
            sweep(trellis, i * block, (i + 1) * block);
    }
    widest += 2 * block;
    return widest < trellis->states ? widest : trellis->states;
}

/* Sweep again over each block, the last one first, and trace the path back through it. Return the
 * score of the path; minus infinity or NaN if there is none. */
static double second_pass(Trellis *trellis, int64_t frames, int64_t block, int64_t blocks,
                          const Begin *begins, int32_t *starts, int32_t *ends) {
    const int64_t states = trellis->states;
    int64_t state = states - 1;
    double total = -INFINITY, *const score = trellis->scores;
    for (int64_t i = blocks - 1; i >= 0; i--) {
        const int64_t first = i * block;
        const int64_t last = first + block < frames ? first + block : frames;
        for (int64_t s = 0; s < states; s++)
            score[s] = -INFINITY;
        trellis->low = begins[i].low;
        trellis->high = begins[i].high;
        memcpy(score + trellis->low, begins[i].scores,
               (size_t)(trellis->high - trellis->low) * sizeof(double));
        sweep(trellis, first, last);
        if (i == blocks - 1) {
            state -= score[states - 2] > score[states - 1];
            total = score[state];
            if (!(total > -INFINITY))
                break;
        }
        state = trace(trellis, first, last, state, starts, ends);
    }
    return total;
}

int32_t align_text(
    const float *log_probs, int64_t frames, int64_t size, const int32_t *labels, int64_t count,
    int64_t blank, int64_t block, double threshold, int32_t *starts, int32_t *ends,
    double *score) {
    block = block < frames ? block : frames > 0 ? frames : 1;
    const int64_t blocks = frames > 0 ? (frames + block - 1) / block : 1;
    Trellis trellis = {
        .log_probs = log_probs, .labels = labels, .size = size, .blank = blank,
        .states = 2 * count + 1, .threshold = threshold, .low = 0, .high = 1};
    double *scores = malloc((size_t)(trellis.states + 2) * sizeof(double));
    Begin *begins = calloc((size_t)blocks, sizeof *begins);
    int32_t status = scores && begins ? 0 : -1;
    if (status == 0) {
        for (int64_t s = 0; s < trellis.states + 2; s++)
            scores[s] = -INFINITY;
        for (int64_t k = 0; k < count; k++)
            starts[k] = -1;
        trellis.scores = scores + 2;
        trellis.scores[0] = 0.0; /* before the first frame: as if in the blank before all labels */
        trellis.width = first_pass(&trellis, block, blocks, begins);
        if (trellis.width >= 0) {
            trellis.moves = malloc((size_t)block * (size_t)trellis.width);
            trellis.lows = malloc((size_t)block * sizeof *trellis.lows);
        }
        status = trellis.moves && trellis.lows ? 0 : -1;
    }
    if (status == 0) {
        *score = second_pass(&trellis, frames, block, blocks, begins, starts, ends);
        status = *score > -INFINITY;
    }
    free(trellis.moves);
    free(trellis.lows);
    if (begins)
        for (int64_t i = 0; i < blocks; i++)
            free(begins[i].scores);
    free(begins);
    free(scores);
    return status;
}

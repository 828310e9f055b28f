/* The posterior of each word among the hypotheses that a search kept. */
#include <math.h>
#include <stdlib.h>

#include "posteriors.h"

#define ROOT (-1)       /* the token of the empty prefix */
#define NEGLIGIBLE 1e-6 /* hypotheses less probable than this share of the best are left out */
#define SMALLEST 1e-10  /* the least posterior of a word */

/* The ways to align a word of ours with a word of theirs. */
enum { PAIR, SKIP_OURS, SKIP_THEIRS };

/* The arrays that one call needs. */
typedef struct {
    uint64_t *ours, *theirs; /* the hashes of words of two hypotheses */
    double *posteriors;      /* of our words */
    int32_t *tokens;         /* of their hypothesis */
    int32_t *costs;          /* a row of the table of edit distances */
    uint8_t *moves;          /* the table of the moves that lead to them */
    size_t room;             /* the size of `moves` */
} Scratch;

int64_t prefix_length(const int32_t *parents, const int32_t *tokens, int32_t node) {
    int64_t length = 0;
    for (; tokens[node] != ROOT; node = parents[node])
        length++;
    return length;
}

void prefix_tokens(
    const int32_t *parents, const int32_t *tokens, int32_t node, int64_t length, int32_t *out) {
    for (; length > 0; node = parents[node])
        out[--length] = tokens[node];
}

/* Fill `words` with a hash of each word of `tokens` (length,), which is the same however the word
 * is divided into tokens, and return their count. */
static int64_t hash_words(
    const Prefixes *prefixes, const int32_t *tokens, int64_t length, uint64_t *words) {
    int64_t count = 0;
    bool inside = false;
    for (int64_t i = 0; i < length; i++) {
        const int32_t token = tokens[i];
        if (token == prefixes->space) {
            inside = false;
            continue;
        }
        if (!inside || prefixes->boundaries[token]) {
            inside = true;
            words[count++] = 0;
        }
        const uint64_t before = words[count - 1] * prefixes->powers[token];
        words[count - 1] = (before + prefixes->codes[token]) & WORD_MASK;
    }
    return count;
}

/* Fill `moves` (count, others) with the last move of an alignment with the fewest edits of each
 * beginning of `ours` (count,) with each beginning of `theirs` (others,). */
static void align_words(
    const uint64_t *ours, int64_t count, const uint64_t *theirs, int64_t others, int32_t *costs,
    uint8_t *moves) {
    for (int64_t b = 0; b <= others; b++)
        costs[b] = (int32_t)b;
    for (int64_t a = 0; a < count; a++) {
        int32_t diagonal = costs[0], left = (int32_t)a + 1;
        costs[0] = left;
        for (int64_t b = 0; b < others; b++) {
            const int32_t above = costs[b + 1], pair = diagonal + (ours[a] != theirs[b]);
            int32_t best = pair;
            uint8_t move = PAIR;
            if (above + 1 < best) {
                best = above + 1;
                move = SKIP_OURS;
            }
            if (left + 1 < best) {
                best = left + 1;
                move = SKIP_THEIRS;
            }
            moves[a * others + b] = move;
            left = best;
            diagonal = above;
            costs[b + 1] = left;
        }
    }
}

/* Add `weight` to the posteriors of our words (count,) that their hypothesis (others,) has in the
 * same place. Return false if there is no memory. */
static bool compare(Scratch *scratch, int64_t count, int64_t others, double weight) {
    const uint64_t *ours = scratch->ours, *theirs = scratch->theirs;
    int64_t a = count, b = others, same = 0;
    while (a > 0 && b > 0 && ours[a - 1] == theirs[b - 1]) {
        scratch->posteriors[--a] += weight;
        b--;
    }
    while (same < a && same < b && ours[same] == theirs[same])
        same++;
    /* Between the words that both begin with and those that both end with. */
    const int64_t rows = a - same, columns = b - same;
    const size_t needed = (size_t)rows * (size_t)columns;
    if (needed > scratch->room) {
        uint8_t *larger = realloc(scratch->moves, needed);
        if (!larger)
            return false;
        scratch->moves = larger;
        scratch->room = needed;
    }
    if (needed > 0)
        align_words(ours + same, rows, theirs + same, columns, scratch->costs, scratch->moves);
    while (a > 0 && b > 0) {
        const bool equal = ours[a - 1] == theirs[b - 1];
        int move;
        if (a > same && b > same)
            move = scratch->moves[(a - same - 1) * columns + b - same - 1];
        else /* one of the beginnings is part of the other: the rest of that is skipped */
            move = equal ? PAIR : a > b ? SKIP_OURS : SKIP_THEIRS;
        if (move == PAIR && equal)
            scratch->posteriors[a - 1] += weight;
        a -= move != SKIP_THEIRS;
        b -= move != SKIP_OURS;
    }
    return true;
}

/* Make the arrays for texts of up to `longest` tokens; return false if there is no memory. */
static bool scratch_init(Scratch *scratch, int64_t longest) {
    const size_t n = (size_t)longest + 1;
    const size_t each = 2 * sizeof(uint64_t) + sizeof(double) + 2 * sizeof(int32_t);
    scratch->ours = calloc(n, each);
    if (!scratch->ours)
        return false;
    scratch->theirs = scratch->ours + n;
    scratch->posteriors = (double *)(scratch->theirs + n);
    scratch->tokens = (int32_t *)(scratch->posteriors + n);
    scratch->costs = scratch->tokens + n;
    scratch->moves = NULL;
    scratch->room = 0;
    return true;
}

static void scratch_free(Scratch *scratch) {
    free(scratch->ours);
    free(scratch->moves);
}

/* Fill the posteriors of the words of the text `tokens` (length,), which is hypothesis `chosen`.
 * Return false if there is no memory. */
static bool word_posteriors(
    const Prefixes *prefixes, const int32_t *beam, const double *totals, int64_t entries,
    int64_t chosen, const int32_t *tokens, int64_t length, Scratch *scratch) {
    const int64_t count = hash_words(prefixes, tokens, length, scratch->ours);
    double highest = -INFINITY, sum = 0.0;
    for (int64_t i = 0; i < entries; i++)
        highest = totals[i] > highest ? totals[i] : highest;
    for (int64_t i = 0; i < entries; i++) {
        const double weight = exp(totals[i] - highest);
        if (weight < NEGLIGIBLE && i != chosen)
            continue;
        sum += weight;
        const int64_t theirs = prefix_length(prefixes->parents, prefixes->tokens, beam[i]);
        prefix_tokens(prefixes->parents, prefixes->tokens, beam[i], theirs, scratch->tokens);
        const int64_t others = hash_words(prefixes, scratch->tokens, theirs, scratch->theirs);
        if (!compare(scratch, count, others, weight))
            return false;
    }
    for (int64_t a = 0; a < count; a++)
        scratch->posteriors[a] /= sum;
    return true;
}

bool token_posteriors(
    const Prefixes *prefixes, const int32_t *beam, const double *totals, int64_t entries,
    int64_t chosen, int32_t *out, double *logs) {
    const int32_t *parents = prefixes->parents, *tokens = prefixes->tokens;
    const int64_t length = prefix_length(parents, tokens, beam[chosen]);
    prefix_tokens(parents, tokens, beam[chosen], length, out);
    int64_t longest = 0;
    for (int64_t i = 0; i < entries; i++) {
        const int64_t theirs = prefix_length(parents, tokens, beam[i]);
        longest = theirs > longest ? theirs : longest;
    }
    Scratch scratch;
    if (!scratch_init(&scratch, longest))
        return false;
    const bool done = word_posteriors(
        prefixes, beam, totals, entries, chosen, out, length, &scratch);
    int64_t word = -1;
    bool inside = false;
    for (int64_t i = 0; done && i < length; i++) {
        if (out[i] == prefixes->space) {
            inside = false;
        } else if (!inside || prefixes->boundaries[out[i]]) {
            inside = true;
            word++;
        }
        logs[i] = word < 0 ? 0.0 : log(fmax(scratch.posteriors[word], SMALLEST));
    }
    scratch_free(&scratch);
    return done;
}

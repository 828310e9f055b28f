/* The tokens of prefixes, and the confidences of their words.
 *
 * The posterior of a word of a hypothesis is the summed probability (the softmax of the scores) of
 * the hypotheses that have the same word in that place, found by aligning the words of both with
 * the fewest edits. */
#ifndef ASR_POSTERIORS_H
#define ASR_POSTERIORS_H

#include <stdbool.h>

#include "native.h"

/* Prefixes as nodes of a trie, and the tables that divide them into words.
 * V is the size of the vocabulary. asr/native/structures.py has the same fields in this order. */
typedef struct {
    const int32_t *parents;         /* (nodes,) */
    const int32_t *tokens;          /* (nodes,) the last token of each prefix, -1 at the root */
    const uint8_t *boundaries;      /* (V,) whether a word ends before the token */
    const uint64_t *codes, *powers; /* (V,) for the hash of a word, asr/lm/word_hash.py */
    int64_t space;                  /* -1: the vocabulary has none */
} Prefixes;

/* Return the number of tokens of the prefix at `node`. */
int64_t prefix_length(const int32_t *parents, const int32_t *tokens, int32_t node);

/* Fill `out` (length,) with the tokens of the prefix at `node`, which has `length` of them. */
void prefix_tokens(
    const int32_t *parents, const int32_t *tokens, int32_t node, int64_t length, int32_t *out);

/* Fill `out` (n,) with the tokens of the hypothesis `beam[chosen]`, and `logs` (n,) with the
 * natural logarithm of the posterior of each token's word; a space belongs to the word before it.
 * n is the hypothesis' prefix_length. `beam` (entries,) are nodes, `totals` (entries,) the natural
 * logarithms of their scores as whole texts. Return false if there is no memory. */
EXPORT bool token_posteriors(
    const Prefixes *prefixes, const int32_t *beam, const double *totals, int64_t entries,
    int64_t chosen, int32_t *out, double *logs);

#endif

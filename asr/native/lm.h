/* N-gram language models: a packed trie in one block of memory, as asr/lm/packed.py lays it out. */
#ifndef ASR_LM_H
#define ASR_LM_H

#include "native.h"

#define MAX_ORDER 6

/* The records of one order, packed bit by bit without gaps, the first bit of a byte being its
 * lowest. A record is the last word of a path (not for order 1, whose records are in the order of
 * the words), the log10-probability, the log10-back-off, a bit that is set if the n-gram itself
 * is not in the model and only leads to longer ones (where there are such), and the place of its
 * first child among the records of the next order (back-off and place not for the highest order).
 * The children of a record end where those of the next one begin, so that one more record follows
 * the last. */
typedef struct {
    const uint8_t *records;
    const float *probs;    /* the values of the codes in the records; NULL: they are floats */
    const float *backoffs;
    int64_t count;         /* records, without the one more */
    int32_t word_bits;
    int32_t value_bits;    /* bits of a probability and of a back-off, 8 or 32 */
    int32_t added_bits;    /* 1 if the records have that bit, else 0 */
    int32_t begin_bits;
    int32_t record_bits;   /* the sum of the parts */
} LmLevel;

/* A model. The path to a record begins with the word that is predicted; those before it follow, the
 * latest first. Every beginning of a path has a record too. */
typedef struct {
    const uint8_t *hashes;   /* the hashes of all words, ascending, HASH_BITS bits each */
    const uint8_t *hash_ids; /* the id of each, id_bits bits each */
    int64_t hash_count;
    int32_t id_bits;
    int32_t order;
    LmLevel levels[MAX_ORDER];
} Lm;

#define HASH_BITS 48

/* What the next probability depends on: the latest words, the very latest first, as far as the
 * model knows them as a context, and the log10-back-offs of the contexts of 1 to length words.
 * {0} is the state before any word; that at the begin of a sentence follows the word <s>. */
typedef struct {
    int32_t length;
    int32_t words[MAX_ORDER - 1];
    float backoffs[MAX_ORDER - 1];
} LmState;

/* Return the natural logarithm of the probability of `word` after `from`, and put the state after
 * the word into `to`, which is another state than `from`, or NULL. `word` is an id of the model. */
double lm_step(const Lm *lm, const LmState *from, int32_t word, LmState *to);

/* Return the id of the word with this hash (asr/lm/word_hash.py), or -1 if the model lacks it. */
EXPORT int32_t lm_word(const Lm *lm, uint64_t hash);

/* Put the state after `count` words, which follow the state {0}, into `state`. */
EXPORT void lm_state(const Lm *lm, const int32_t *words, int64_t count, LmState *state);

/* Compute the log10-probability of each of `count` words, each after those before it, and the
 * orders of the n-grams in the model that end with it: bit k - 1 of `held` is set for order k. An
 * id of -1 stands for no word: what follows it follows the state `start`; its own results are 0. */
EXPORT void lm_score(const Lm *lm, const LmState *start, const int32_t *words, int64_t count,
                     double *log10_probs, uint8_t *held);

/* Write `values`, each of `width` bits (up to 32), to the bits offset, offset + stride, ... of
 * `data`, which are 0 before. 8 more bytes than hold the bits must belong to `data`. */
EXPORT void lm_pack(uint8_t *data, int64_t offset, int64_t stride, int32_t width,
                    const uint32_t *values, int64_t count);

#endif

/* Lookup in n-gram language models. */
#include "lm.h"

#include <stddef.h>
#include <string.h>

static const double LN10 = 2.302585092994045684;

/* Return `width` bits (up to 57) from bit `offset` of `data` on; up to 8 bytes are read. */
static inline uint64_t bits_at(const uint8_t *data, int64_t offset, int32_t width) {
    const uint8_t *p = data + (offset >> 3);
    /* Compilers make one load of it where the processor stores the lowest byte first. */
    uint64_t value = (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 |
                     (uint64_t)p[3] << 24 | (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 |
                     (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
    return value >> (offset & 7) & (((uint64_t)1 << width) - 1);
}

/* Return the value at bit `offset`, by its code in `codebook` or as a 32-bit float. */
static inline float value_at(const LmLevel *level, const float *codebook, int64_t offset) {
    uint64_t code = bits_at(level->records, offset, level->value_bits);
    if (codebook != NULL)
        return codebook[code];
    uint32_t bits = (uint32_t)code;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline float prob_at(const LmLevel *level, int64_t record) {
    return value_at(level, level->probs, record * level->record_bits + level->word_bits);
}

static inline float backoff_at(const LmLevel *level, int64_t record) {
    int64_t offset = record * level->record_bits + level->word_bits + level->value_bits;
    return value_at(level, level->backoffs, offset);
}

/* Return the place in the level below `level` of the child of `record` for `word`, or -1. */
static int64_t child_of(const LmLevel *level, int64_t record, int32_t word) {
    int64_t offset = (record + 1) * level->record_bits - level->begin_bits;
    int64_t low = (int64_t)bits_at(level->records, offset, level->begin_bits);
    offset += level->record_bits;
    int64_t high = (int64_t)bits_at(level->records, offset, level->begin_bits);
    const LmLevel *next = level + 1;
    if (high > next->count) /* only in a file that somebody has made to do harm */
        high = next->count;
    while (low < high) {
        int64_t middle = low + ((high - low) >> 1);
        int64_t place = middle * next->record_bits;
        int64_t found = (int64_t)bits_at(next->records, place, next->word_bits);
        if (found == word)
            return middle;
        if (found < word)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

/* Return 1 if the n-gram of `record` is in the model, 0 if it only leads to longer ones. */
static inline uint8_t held_at(const LmLevel *level, int64_t record) {
    int64_t offset = (record + 1) * level->record_bits - level->begin_bits - 1;
    return !level->added_bits || !bits_at(level->records, offset, 1);
}

/* Return the log10-probability of `word` after `from`, and put the state after it into `to` and the
 * orders of n-grams, as in lm_score, into `held`, unless these are NULL (Katz 1987, eq. 4). The
 * path of the word and its context is that of the next context, so that one descent finds both the
 * probability and the back-offs of the new state. */
static inline double step(const Lm *lm, const LmState *from, int32_t word, LmState *to,
                          uint8_t *held) {
    const LmLevel *level = lm->levels;
    int64_t record = word;
    double log10_prob = prob_at(level, record);
    int32_t matched = 0; /* words of the context */
    uint8_t orders = 0;
    for (;;) {
        if (held != NULL)
            orders |= (uint8_t)(held_at(level, record) << matched);
        if (to != NULL && matched + 1 < lm->order) {
            to->words[matched] = matched ? from->words[matched - 1] : word;
            to->backoffs[matched] = backoff_at(level, record);
        }
        if (matched == from->length)
            break;
        record = child_of(level, record, from->words[matched]);
        if (record < 0)
            break;
        matched++;
        level++;
        log10_prob = prob_at(level, record);
    }
    if (held != NULL)
        *held = orders;
    if (to != NULL)
        to->length = matched + 1 < lm->order ? matched + 1 : lm->order - 1;
    for (int32_t i = matched; i < from->length; i++) /* contexts in the model without this word */
        log10_prob += from->backoffs[i];
    return log10_prob;
}

double lm_step(const Lm *lm, const LmState *from, int32_t word, LmState *to) {
    return LN10 * step(lm, from, word, to, NULL);
}

int32_t lm_word(const Lm *lm, uint64_t hash) {
    int64_t low = 0, high = lm->hash_count;
    while (low < high) { /* of equal hashes, the first is taken */
        int64_t middle = low + ((high - low) >> 1);
        if (bits_at(lm->hashes, middle * HASH_BITS, HASH_BITS) < hash)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == lm->hash_count || bits_at(lm->hashes, low * HASH_BITS, HASH_BITS) != hash)
        return -1;
    int64_t id = (int64_t)bits_at(lm->hash_ids, low * lm->id_bits, lm->id_bits);
    return id < lm->hash_count ? (int32_t)id : -1; /* -1 as in child_of */
}

void lm_state(const Lm *lm, const int32_t *words, int64_t count, LmState *state) {
    LmState before;
    memset(state, 0, sizeof *state);
    for (int64_t i = 0; i < count; i++) {
        before = *state;
        step(lm, &before, words[i], state, NULL);
    }
}

void lm_score(const Lm *lm, const LmState *start, const int32_t *words, int64_t count,
              double *log10_probs, uint8_t *held) {
    LmState states[2] = {*start, *start};
    int32_t now = 0;
    for (int64_t i = 0; i < count; i++) {
        if (words[i] < 0) {
            states[now] = *start;
            log10_probs[i] = 0.0;
            held[i] = 0;
        } else {
            log10_probs[i] = step(lm, &states[now], words[i], &states[!now], &held[i]);
            now = !now;
        }
    }
}

void lm_pack(uint8_t *data, int64_t offset, int64_t stride, int32_t width, const uint32_t *values,
             int64_t count) {
    uint64_t mask = ((uint64_t)1 << width) - 1;
    for (int64_t i = 0; i < count; i++, offset += stride) {
        uint64_t value = (values[i] & mask) << (offset & 7);
        uint8_t *p = data + (offset >> 3);
        for (; value; value >>= 8)
            *p++ |= (uint8_t)value;
    }
}

/* Prefix beam search: the loop over frames.
 *
 * The recursion is that of Graves (2012), algorithm 1, and of Hannun et al. (2014), algorithm 1: a
 * prefix keeps the probability of all paths that end in a blank apart from that of those that end
 * in its last token, since only after a blank can the same token follow as a new one.
 *
 * Prefixes are nodes of a trie that grows. A prefix that stays in the beam takes its own mass, and
 * the mass of its parent extended by its last token where the parent is in the beam too: so equal
 * prefixes meet without a hash table, and a node is made only for a prefix that was selected.
 *
 * The arithmetic is that of probabilities: no logarithm is taken in the inner loops. The context
 * score of a prefix is a factor of its mass. After every frame all masses are divided by the
 * largest, whose logarithm is kept, so that only masses below e**-700 of the best are lost. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "align.h"
#include "native.h"
#include "posteriors.h"
#include "search.h"

/* What is returned where something stands in the way: there is no memory, the tables of the search
 * disagree, no path of the text has a probability above 0, or no prefix is a whole text. */
enum { NO_MEMORY = -1, DISAGREE = -2, NO_PATH = -3, NO_TEXT = -4 };

/* The probability of a prefix's paths that end in a blank, of those that end in its last token, and
 * of both. */
typedef struct {
    double blank, token, both;
} Mass;

/* A prefix that may be in the next beam: entry `entry` with `token` more, or as it is (NONE). */
typedef struct {
    double score;
    int32_t entry, token;
} Candidate;

typedef struct {
    Tree tree;
    int32_t *beam;  /* (beam_size,) nodes */
    Mass *mass;     /* (beam_size,) probabilities times the factor of the context, scaled */
    int32_t entries;
    double scale;   /* the natural logarithm of what all masses were divided by */
    double largest; /* the largest mass */
} Stream;

/* What a frame needs besides; it lives for one call. */
typedef struct {
    Candidate *candidates; /* (beam_size * (tokens + 1),) */
    double *order;         /* likewise */
    int32_t *tokens;       /* (tokens,) the most probable tokens of the frame, the best first */
    int32_t *met;          /* (beam_size, V) the last frame in which a child was in the beam */
    Mass *stays, *next_mass;
    int32_t *next_beam;
} Scratch;

static void scratch_free(Scratch *scratch) {
    free(scratch->candidates);
    free(scratch->order);
    free(scratch->tokens);
    free(scratch->met);
    free(scratch->stays);
    free(scratch->next_mass);
    free(scratch->next_beam);
}

static bool scratch_init(Scratch *scratch, const Search *search) {
    const size_t beam = (size_t)search->beam_size, size = (size_t)search->size;
    const size_t room = beam * ((size_t)search->max_tokens + 1);
    scratch->candidates = malloc(room * sizeof *scratch->candidates);
    scratch->order = malloc(room * sizeof *scratch->order);
    scratch->tokens = malloc((size_t)search->max_tokens * sizeof *scratch->tokens);
    scratch->met = malloc(beam * size * sizeof *scratch->met);
    scratch->stays = malloc(beam * sizeof *scratch->stays);
    scratch->next_mass = malloc(beam * sizeof *scratch->next_mass);
    scratch->next_beam = malloc(beam * sizeof *scratch->next_beam);
    if (!scratch->candidates || !scratch->order || !scratch->tokens || !scratch->met ||
        !scratch->stays || !scratch->next_mass || !scratch->next_beam)
        return false;
    for (size_t i = 0; i < beam * size; i++)
        scratch->met[i] = NONE;
    return true;
}

/* Return the `n`-th largest of the first `count` values, and reorder them (quickselect). */
static double nth_largest(double *values, int64_t count, int64_t n) {
    int64_t low = 0, high = count - 1, wanted = n - 1;
    while (low < high) {
        const double pivot = values[low + (high - low) / 2];
        int64_t i = low, j = high;
        while (i <= j) {
            while (values[i] > pivot)
                i++;
            while (values[j] < pivot)
                j--;
            if (i <= j) {
                const double value = values[i];
                values[i++] = values[j];
                values[j--] = value;
            }
        }
        if (wanted <= j)
            high = j;
        else if (wanted >= i)
            low = i;
        else
            break;
    }
    return values[wanted];
}

/* Fill `tokens` with the most probable tokens of a frame, the best first; return their count. Those
 * less probable than `least` are left out. */
static int32_t best_tokens(
    const Search *search, const double *row, double least, int32_t *tokens) {
    double highest = 0.0;
    for (int32_t token = 0; token < search->size; token++)
        highest = row[token] > highest ? row[token] : highest;
    const double lowest = fmax(highest * search->token_threshold, least);
    int32_t count = 0;
    for (int32_t token = 0; token < search->size; token++) {
        const double value = row[token];
        if (value < lowest || value == 0.0 || token == search->blank)
            continue;
        if (count == search->max_tokens) {
            if (value <= row[tokens[count - 1]])
                continue;
            count--;
        }
        int32_t place = count++;
        for (; place > 0 && row[tokens[place - 1]] < value; place--)
            tokens[place] = tokens[place - 1];
        tokens[place] = token;
    }
    return count;
}

/* Return whether the closed lexicon, at its node `at`, allows `token` next. */
static bool allows(const Search *search, int32_t at, int32_t token) {
    if (!(search->lexicon_follow[at] >> (token & 63) & 1))
        return false;
    if (search->size <= 64 || lexicon_child(search, at, token) != NONE)
        return true;
    const bool ends = search->lexicon_words[at] >= 0;
    if (token == search->space)
        return ends || (search->leading && at == 0);
    return ends && search->leading && search->boundaries[token] &&
           lexicon_child(search, 0, token) != NONE;
}

/* Let all prefixes go on with a blank that is as good as certain. */
static void skip(Stream *stream, double blank) {
    for (int32_t i = 0; i < stream->entries; i++) {
        const double both = stream->mass[i].both * blank;
        stream->mass[i] = (Mass){both, 0.0, both};
    }
    stream->largest *= blank;
}

/* Make the candidates that are prefixes of the beam as they are. Return their best score; `worst`
 * gets the least. */
static double stay(
    Stream *stream, const double *row, int32_t frame, Scratch *scratch, double *worst) {
    const Search *search = stream->tree.search;
    const Tree *tree = &stream->tree;
    const double divide = 1.0 / stream->largest, blank = row[search->blank];
    double best = 0.0;
    *worst = INFINITY;
    for (int32_t i = 0; i < stream->entries; i++) {
        const int32_t node = stream->beam[i], token = tree->tokens[node];
        Mass *stays = &scratch->stays[i];
        *stays = (Mass){.blank = stream->mass[i].both * blank * divide};
        if (token != NONE) {
            const int32_t parent = tree->parents[node], j = tree->nodes[parent].slot;
            double total = stream->mass[i].token;
            if (j != NONE) {
                const bool repeated = tree->tokens[parent] == token;
                const double before = repeated ? stream->mass[j].blank : stream->mass[j].both;
                total += before * tree->nodes[node].ratio;
                scratch->met[(ptrdiff_t)j * search->size + token] = frame;
            }
            stays->token = total * row[token] * divide;
        }
        stays->both = stays->blank + stays->token;
        scratch->candidates[i] = (Candidate){stays->both, i, NONE};
        best = stays->both > best ? stays->both : best;
        *worst = stays->both < *worst ? stays->both : *worst;
    }
    return best;
}

/* Add the candidates that are prefixes of the beam with one token more. `best` is the best score so
 * far and `lowest` that below which a candidate cannot be among the best of all. Return the count
 * of all candidates; `best` becomes the best score of all. */
static int64_t go_on(
    Stream *stream, const double *row, int32_t frame, Scratch *scratch, double *best,
    double lowest) {
    const Search *search = stream->tree.search;
    Tree *tree = &stream->tree;
    const bool closed = search->closed;
    const double divide = 1.0 / stream->largest;
    int64_t count = stream->entries;
    /* No prefix's share of the largest mass is above 1, but for rounding. */
    const double least = 0.999 * lowest / search->largest_factor;
    const int32_t usable = best_tokens(search, row, least, scratch->tokens);
    if (usable == 0)
        return count;
    const double most = row[scratch->tokens[0]] * divide * search->largest_factor;
    for (int32_t i = 0; i < stream->entries; i++) {
        const Mass mass = stream->mass[i];
        if (mass.both * most < lowest)
            continue;
        const int32_t node = stream->beam[i], last = tree->tokens[node];
        const int32_t lexicon = tree->nodes[node].lexicon;
        const int32_t *met = &scratch->met[(ptrdiff_t)i * search->size];
        for (int32_t k = 0; k < usable; k++) {
            const int32_t token = scratch->tokens[k];
            const double factor = row[token] * divide;
            if (mass.both * factor * search->largest_factor < lowest)
                break; /* the rest is less probable */
            if (met[token] == frame || (closed && !allows(search, lexicon, token)))
                continue;
            double score = (token == last ? mass.blank : mass.both) * factor;
            if (!search->plain) {
                if (score * search->largest_factor < lowest)
                    continue;
                double ratio;
                if (!tree_ratio(tree, node, token, &ratio))
                    continue;
                score *= ratio;
            }
            if (score < lowest || score == 0.0)
                continue;
            scratch->candidates[count++] = (Candidate){score, i, token};
            if (score > *best) {
                *best = score;
                lowest = fmax(lowest, score * search->beam_threshold);
            }
        }
    }
    return count;
}

/* Make the best of `count` candidates the new beam. Return false, and leave the beam as it is, if
 * the tables disagree: `lexicon_follow` has let a token pass that may not follow. */
static bool select_best(Stream *stream, Scratch *scratch, int64_t count, double best) {
    const Search *search = stream->tree.search;
    Tree *tree = &stream->tree;
    const Candidate *candidates = scratch->candidates;
    double lowest = fmax(best * search->beam_threshold, DBL_MIN);
    int64_t eligible = 0, at_limit = search->beam_size;
    for (int64_t k = 0; k < count; k++)
        if (candidates[k].score >= lowest)
            scratch->order[eligible++] = candidates[k].score;
    if (eligible > search->beam_size) { /* of several at the limit the first ones are kept */
        lowest = nth_largest(scratch->order, eligible, search->beam_size);
        for (int64_t k = 0; k < count; k++)
            at_limit -= candidates[k].score > lowest;
    }
    int32_t kept = 0;
    for (int64_t k = 0; k < count; k++) {
        const Candidate candidate = candidates[k];
        if (candidate.score < lowest)
            continue;
        if (candidate.score == lowest && eligible > search->beam_size && at_limit-- <= 0)
            continue;
        const int32_t node = stream->beam[candidate.entry];
        if (candidate.token == NONE) {
            scratch->next_beam[kept] = node;
            scratch->next_mass[kept] = scratch->stays[candidate.entry];
        } else {
            const int32_t child = tree_child(tree, node, candidate.token);
            if (child == NONE)
                return false;
            scratch->next_beam[kept] = child;
            scratch->next_mass[kept] = (Mass){0.0, candidate.score, candidate.score};
        }
        kept++;
    }
    for (int32_t i = 0; i < stream->entries; i++)
        tree->nodes[stream->beam[i]].slot = NONE;
    memcpy(stream->beam, scratch->next_beam, (size_t)kept * sizeof *stream->beam);
    memcpy(stream->mass, scratch->next_mass, (size_t)kept * sizeof *stream->mass);
    for (int32_t i = 0; i < kept; i++)
        tree->nodes[stream->beam[i]].slot = i;
    stream->entries = kept;
    return true;
}

EXPORT void beam_free(Stream *stream) {
    tree_free(&stream->tree);
    free(stream->beam);
    free(stream->mass);
    free(stream);
}

/* Return a new search whose language model is in the state `start` (NULL without one), or NULL if
 * there is no memory. The search and its tables must outlive it. */
EXPORT Stream *beam_new(const Search *search, const LmState *start) {
    Stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        return NULL;
    stream->beam = malloc((size_t)search->beam_size * sizeof *stream->beam);
    stream->mass = malloc((size_t)search->beam_size * sizeof *stream->mass);
    if (!stream->beam || !stream->mass || !tree_init(&stream->tree, search, start)) {
        beam_free(stream);
        return NULL;
    }
    stream->beam[0] = 0;
    stream->mass[0] = (Mass){1.0, 0.0, 1.0};
    stream->tree.nodes[0].slot = 0;
    stream->entries = 1;
    stream->largest = 1.0;
    return stream;
}

/* Take in frames of probabilities (frames, V). Return 0, NO_MEMORY or DISAGREE. */
EXPORT int32_t beam_feed(Stream *stream, const double *probabilities, int32_t frames) {
    const Search *search = stream->tree.search;
    Scratch scratch;
    int32_t status = scratch_init(&scratch, search) ? 0 : NO_MEMORY;
    for (int32_t frame = 0; frame < frames && status == 0 && stream->entries > 0; frame++) {
        const double *row = &probabilities[(ptrdiff_t)frame * search->size];
        if (row[search->blank] > search->blank_skip) {
            skip(stream, row[search->blank]);
            continue;
        }
        if (!tree_reserve(&stream->tree, search->beam_size, stream->beam, stream->entries)) {
            status = NO_MEMORY;
            break;
        }
        double worst, best = stay(stream, row, frame, &scratch, &worst);
        double lowest = best * search->beam_threshold;
        if (stream->entries == search->beam_size)
            lowest = fmax(lowest, worst);
        const int64_t count = go_on(stream, row, frame, &scratch, &best, lowest);
        stream->scale += log(stream->largest);
        stream->largest = best;
        if (!select_best(stream, &scratch, count, best))
            status = DISAGREE;
    }
    scratch_free(&scratch);
    return status;
}

/* Return the number of prefixes in the beam. */
EXPORT int32_t beam_entries(const Stream *stream) {
    return stream->entries;
}

/* Return the number of prefixes that there is room for: those in the beam and their beginnings need
 * half of it at most, unless it is small. */
EXPORT int32_t beam_room(const Stream *stream) {
    return stream->tree.node_room;
}

/* Fill `nodes` (entries,) with the prefixes in the beam that a text may end with, and `totals`
 * (entries, 3) with their scores as whole texts: total, acoustic, language model. Return their
 * count, or -1 if there is no memory. */
EXPORT int32_t beam_finish(Stream *stream, int32_t sentence_ends, int32_t *nodes, double *totals) {
    if (!tree_reserve(&stream->tree, stream->entries, stream->beam, stream->entries))
        return -1;
    int32_t count = 0;
    for (int32_t i = 0; i < stream->entries; i++) {
        const Node *node = &stream->tree.nodes[stream->beam[i]];
        const double context = node->fixed + node->potential;
        double scores[2];
        if (!tree_finish(&stream->tree, stream->beam[i], sentence_ends, scores))
            continue;
        const double acoustic = log(stream->mass[i].both) + stream->scale - context;
        const double total = acoustic + scores[0];
        if (!(total > -INFINITY))
            continue;
        nodes[count] = stream->beam[i];
        totals[3 * count] = total;
        totals[3 * count + 1] = acoustic;
        totals[3 * count + 2] = scores[1];
        count++;
    }
    return count;
}

/* Return the most probable prefix in the beam, whether a text may end with it or not, or NONE if
 * the beam is empty. `scores` gets its context score and the language model's unweighted part. */
EXPORT int32_t beam_best(const Stream *stream, double scores[2]) {
    int32_t best = NONE;
    for (int32_t i = 0; i < stream->entries; i++)
        if (best == NONE || stream->mass[i].both > stream->mass[best].both)
            best = i;
    if (best == NONE)
        return NONE;
    const Node *node = &stream->tree.nodes[stream->beam[best]];
    scores[0] = node->fixed;
    scores[1] = node->lm;
    return stream->beam[best];
}

/* Return the number of tokens of the prefix `node`. */
EXPORT int64_t beam_length(const Stream *stream, int32_t node) {
    return prefix_length(stream->tree.parents, stream->tree.tokens, node);
}

/* Fill `tokens` (length,) with those of the prefix `node`, which has `length` of them. */
EXPORT void beam_tokens(const Stream *stream, int32_t node, int64_t length, int32_t *tokens) {
    prefix_tokens(stream->tree.parents, stream->tree.tokens, node, length, tokens);
}

/* Describe the hypothesis `nodes[chosen]`: its tokens, the first frame and the last one, exclusive,
 * of each, and the logarithms of the posteriors of their words (see token_posteriors). `log_probs`
 * (frames, V) are all that the stream was fed; the arrays have room for as many tokens. `block` and
 * `threshold` are those of align_text; without a path, it is tried again without a threshold.
 * Return the number of tokens, or NO_MEMORY, or NO_PATH. */
EXPORT int64_t beam_describe(
    const Stream *stream, const int32_t *nodes, const double *scores, int64_t entries,
    int64_t chosen, const float *log_probs, int64_t frames, int64_t block, double threshold,
    int32_t *tokens, int32_t *starts, int32_t *ends, double *logs) {
    const Search *search = stream->tree.search;
    const Prefixes prefixes = {
        .parents = stream->tree.parents,
        .tokens = stream->tree.tokens,
        .boundaries = search->boundaries,
        .codes = search->codes,
        .powers = search->powers,
        .space = search->space,
    };
    const int64_t length = beam_length(stream, nodes[chosen]);
    if (length > frames)
        return NO_PATH;
    if (!token_posteriors(&prefixes, nodes, scores, entries, chosen, tokens, logs))
        return NO_MEMORY;
    int32_t found = 0;
    double path;
    for (int32_t attempt = 0; attempt < 2 && found == 0; attempt++)
        found = align_text(
            log_probs, frames, search->size, tokens, length, search->blank, block,
            attempt == 0 ? threshold : INFINITY, starts, ends, &path);
    return found < 0 ? NO_MEMORY : found == 0 ? NO_PATH : length;
}

/* Decode an utterance of `frames` frames: `scores` (3,) gets the total score of its best text, the
 * acoustic and the language model's; for the rest see beam_describe. Return NO_TEXT if the beam
 * ends without a whole text. `nodes` (beam_size,) and `totals` (beam_size, 4) are room to work. */
static int64_t decode(
    Stream *stream, const double *probabilities, const float *log_probs, int64_t frames,
    int64_t block, double threshold, int32_t *nodes, double *totals, int32_t *tokens,
    int32_t *starts, int32_t *ends, double *logs, double *scores) {
    const int32_t status = beam_feed(stream, probabilities, (int32_t)frames);
    if (status < 0)
        return status;
    const int32_t entries = beam_finish(stream, true, nodes, totals);
    if (entries <= 0)
        return entries < 0 ? NO_MEMORY : NO_TEXT;
    double *total = totals + 3 * (ptrdiff_t)stream->tree.search->beam_size;
    int32_t best = 0;
    for (int32_t i = 0; i < entries; i++) {
        total[i] = totals[3 * i];
        best = total[i] > total[best] ? i : best;
    }
    memcpy(scores, &totals[3 * best], 3 * sizeof *scores);
    return beam_describe(
        stream, nodes, total, entries, best, log_probs, frames, block, threshold, tokens, starts,
        ends, logs);
}

/* Decode `count` utterances of `frames` (count,) frames each, whose probabilities and log-probs
 * (frames, V) follow each other. `lengths` (count,) get the numbers of tokens of their best texts,
 * or what is below 0 where something stands in the way; what beam_describe tells of the texts
 * follows each other in arrays with room for a token for each frame. `scores` (count, 3) get the
 * total scores, the acoustic and the language model's. Return 0, or NO_MEMORY. */
EXPORT int32_t beam_decode(
    const Search *search, const LmState *start, const double *probabilities,
    const float *log_probs, const int64_t *frames, int64_t count, int64_t block, double threshold,
    int64_t *lengths, int32_t *tokens, int32_t *starts, int32_t *ends, double *logs,
    double *scores) {
    const size_t beam = (size_t)search->beam_size;
    int32_t *nodes = malloc(beam * sizeof *nodes);
    double *totals = malloc(4 * beam * sizeof *totals);
    int32_t status = nodes && totals ? 0 : NO_MEMORY;
    for (int64_t i = 0, at = 0; i < count && status == 0; i++) {
        Stream *stream = beam_new(search, start);
        lengths[i] = NO_MEMORY;
        if (stream) {
            lengths[i] = decode(
                stream, probabilities, log_probs, frames[i], block, threshold, nodes, totals,
                tokens + at, starts + at, ends + at, logs + at, scores + 3 * i);
            beam_free(stream);
        }
        if (lengths[i] == NO_MEMORY)
            status = NO_MEMORY;
        at += lengths[i] > 0 ? lengths[i] : 0;
        probabilities += frames[i] * search->size;
        log_probs += frames[i] * search->size;
    }
    free(nodes);
    free(totals);
    return status;
}

/* Compute the context scores of a text of `count` tokens that begins in the state `start`: `scores`
 * gets the weighted score and the language model's unweighted part. Return 1 if the search may give
 * the text, 0 if not, -1 if there is no memory. */
EXPORT int32_t text_scores(
    const Search *search, const LmState *start, const int32_t *tokens, int32_t count,
    double scores[2]) {
    Tree tree;
    if (!tree_init(&tree, search, start))
        return -1;
    int32_t node = 0, status = 1;
    for (int32_t i = 0; i < count && status == 1; i++) {
        if (!tree_reserve(&tree, 2, &node, 1))
            status = -1;
        else if ((node = tree_child(&tree, node, tokens[i])) == NONE)
            status = 0;
    }
    if (status == 1)
        status = tree_reserve(&tree, 1, &node, 1) ? tree_finish(&tree, node, true, scores) : -1;
    tree_free(&tree);
    return status;
}

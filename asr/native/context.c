/* The trie of prefixes, and their context scores: lexicon, language model, bonus for each word and
 * hot words. They are computed token by token, each once for a prefix. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "search.h"

int32_t lexicon_child(const Search *search, int32_t node, int32_t label) {
    const int32_t *labels = search->lexicon_label;
    int32_t low = search->lexicon_first[node], high = search->lexicon_first[node + 1];
    const int32_t end = high;
    while (low < high) {
        const int32_t middle = low + (high - low) / 2;
        if (labels[middle] < label)
            low = middle + 1;
        else
            high = middle;
    }
    return low < end && labels[low] == label ? low : NONE;
}

/* Return the language model's id of the word that a prefix ends with, or NONE if it is unknown. */
static int32_t word_of(const Search *search, const Node *node) {
    if (search->lexicon_first)
        return node->lexicon == NONE ? NONE : search->lexicon_words[node->lexicon];
    return search->lm_kind == WORD_LM ? lm_word(search->lm, node->word) : NONE;
}

/* Return whether a word may end with the prefix `at`, and note its scores there. */
static bool end_word(Tree *tree, int32_t at) {
    const Search *search = tree->search;
    Node *node = &tree->nodes[at];
    if (node->end != UNKNOWN_END)
        return node->end;
    int32_t word = word_of(search, node);
    if (search->closed && word == NONE) {
        node->end = false;
        return false;
    }
    node->end = true;
    node->end_score = search->word_bonus;
    node->end_lm = 0.0;
    node->end_state = node->lm_state;
    if (search->lm_kind == WORD_LM) {
        if (word == NONE)
            word = search->lm_unknown;
        const LmState *from = &tree->states[node->lm_state];
        node->end_state = tree->state_count++;
        node->end_lm = lm_step(search->lm, from, word, &tree->states[node->end_state]);
        node->end_score += search->lm_weight * node->end_lm;
        if (word == search->lm_unknown)
            node->end_score += search->unknown_score;
    }
    node->end_ratio = node->end_score != 0.0 ? exp(node->end_score) : 1.0;
    return true;
}

/* Return whether a word has begun with the prefix `at` and not ended yet. */
static bool inside_word(const Tree *tree, int32_t at) {
    return tree->tokens[at] != NONE && tree->tokens[at] != tree->search->space;
}

/* Return whether `token`, before which a word ends, may follow the prefix `at`. */
static bool may_end(Tree *tree, int32_t at, int32_t token) {
    if (inside_word(tree, at))
        return end_word(tree, at);
    if (!tree->search->closed)
        return true;
    /* No space comes after a space, or at the beginning. */
    return tree->tokens[at] == NONE && (token != tree->search->space || tree->search->leading);
}

/* Return whether `token` may follow the prefix `at`. If so, `next` gets the scores and states of
 * the longer prefix; its language model state only if `state` has room for one of a token model. */
static bool extend(Tree *tree, int32_t at, int32_t token, Node *next, LmState *state) {
    const Search *search = tree->search;
    Node *node = &tree->nodes[at];
    const bool boundary = search->boundaries[token], closed = search->closed;
    next->fixed = node->fixed;
    next->potential = 0.0;
    next->lm = node->lm;
    next->lexicon = node->lexicon;
    next->lm_state = node->lm_state;
    next->word = node->word;
    next->hot = 0;
    if (boundary) {
        if (!may_end(tree, at, token))
            return false;
        if (inside_word(tree, at)) {
            next->fixed += node->end_score;
            next->lm += node->end_lm;
            next->lm_state = node->end_state;
        }
        next->lexicon = 0;
        next->word = 0;
    }
    if (token != search->space) {
        if (search->lexicon_first && next->lexicon != NONE)
            next->lexicon = lexicon_child(search, next->lexicon, token);
        if (closed && next->lexicon == NONE)
            return false;
        next->word = (next->word * search->powers[token] + search->codes[token]) & WORD_MASK;
    }
    if (search->lm_kind == TOKEN_LM) {
        const LmState *from = &tree->states[node->lm_state];
        const double gain = lm_step(search->lm, from, search->token_words[token], state);
        next->fixed += search->lm_weight * gain;
        next->lm += gain;
    }
    if (search->hot_next) {
        if (boundary)
            next->fixed += search->hot_gain[node->hot];
        next->hot = search->hot_next[(ptrdiff_t)node->hot * search->size + token];
        next->potential = search->hot_potential[next->hot];
    }
    return true;
}

/* Return exp(the context score of `next` less that of `node`). */
static double ratio_of(const Node *node, const Node *next) {
    const double gain = next->fixed + next->potential - (node->fixed + node->potential);
    return gain != 0.0 ? exp(gain) : 1.0;
}

bool tree_ratio(Tree *tree, int32_t at, int32_t token, double *ratio) {
    const Search *search = tree->search;
    if (search->hot_next || search->lm_kind == TOKEN_LM) {
        Node next;
        if (!extend(tree, at, token, &next, NULL))
            return false;
        *ratio = ratio_of(&tree->nodes[at], &next);
        return true;
    }
    *ratio = 1.0; /* only the ends of words have scores */
    if (search->boundaries[token]) {
        if (!may_end(tree, at, token))
            return false;
        if (inside_word(tree, at))
            *ratio = tree->nodes[at].end_ratio;
    }
    return true;
}

int32_t tree_child(Tree *tree, int32_t at, int32_t token) {
    const Search *search = tree->search;
    for (int32_t child = tree->nodes[at].child; child != NONE; child = tree->nodes[child].sibling)
        if (tree->tokens[child] == token)
            return child;
    Node next = {.ratio = 1.0};
    if (!search->plain) {
        LmState *state = NULL;
        if (search->lm_kind == TOKEN_LM)
            state = &tree->states[tree->state_count];
        if (!extend(tree, at, token, &next, state))
            return NONE;
        if (state)
            next.lm_state = tree->state_count++;
        next.ratio = ratio_of(&tree->nodes[at], &next);
    }
    const int32_t child = tree->node_count++;
    next.child = NONE;
    next.sibling = tree->nodes[at].child;
    next.slot = NONE;
    next.end = UNKNOWN_END;
    tree->nodes[at].child = child;
    tree->nodes[child] = next;
    tree->parents[child] = at;
    tree->tokens[child] = token;
    return child;
}

/* Return whether the prefix `at` holds anything but spaces. */
static bool has_words(const Tree *tree, int32_t at) {
    while (tree->tokens[at] != NONE && tree->tokens[at] == tree->search->space)
        at = tree->parents[at];
    return tree->tokens[at] != NONE;
}

bool tree_finish(Tree *tree, int32_t at, bool sentence_ends, double scores[2]) {
    const Search *search = tree->search;
    const Node *node = &tree->nodes[at];
    const int32_t last = tree->tokens[at];
    int32_t lm_state = node->lm_state;
    scores[0] = node->fixed;
    scores[1] = node->lm;
    if (last != NONE && last != search->space) {
        if (!end_word(tree, at))
            return false;
        scores[0] += node->end_score;
        scores[1] += node->end_lm;
        lm_state = node->end_state;
    }
    if (search->lm_kind != NO_LM && sentence_ends && has_words(tree, at)) {
        const double end = lm_step(search->lm, &tree->states[lm_state], search->lm_end, NULL);
        scores[0] += search->lm_weight * end;
        scores[1] += end;
    }
    if (search->hot_next)
        scores[0] += search->hot_gain[node->hot];
    return true;
}

/* Give an array another length in place; return false if there is no memory. */
static bool resize(void *array, size_t count, size_t size) {
    void **place = array;
    void *larger = count > SIZE_MAX / size ? NULL : realloc(*place, count * size);
    if (larger)
        *place = larger;
    return larger != NULL;
}

static bool make_room(Tree *tree, int32_t nodes, int32_t states) {
    if (nodes > tree->node_room) {
        if (!resize(&tree->parents, (size_t)nodes, sizeof *tree->parents) ||
            !resize(&tree->tokens, (size_t)nodes, sizeof *tree->tokens) ||
            !resize(&tree->nodes, (size_t)nodes, sizeof *tree->nodes))
            return false;
        tree->node_room = nodes;
    }
    if (states > tree->state_room) {
        if (!resize(&tree->states, (size_t)states, sizeof *tree->states))
            return false;
        tree->state_room = states;
    }
    return true;
}

bool tree_init(Tree *tree, const Search *search, const LmState *start) {
    *tree = (Tree){.search = search};
    if (!make_room(tree, 1024, 256)) {
        tree_free(tree);
        return false;
    }
    tree->nodes[0] = (Node){
        .ratio = 1.0, .child = NONE, .sibling = NONE, .slot = NONE, .end = UNKNOWN_END};
    tree->parents[0] = tree->tokens[0] = NONE;
    tree->node_count = tree->state_count = 1;
    tree->states[0] = start ? *start : (LmState){0};
    return true;
}

void tree_free(Tree *tree) {
    free(tree->parents);
    free(tree->tokens);
    free(tree->nodes);
    free(tree->states);
}

/* Forget the states of the language model that no node has. */
static void compact_states(Tree *tree, int32_t *place) {
    const bool keep_ends = tree->search->lm_kind == WORD_LM;
    for (int32_t state = 0; state < tree->state_count; state++)
        place[state] = NONE;
    for (int32_t i = 0; i < tree->node_count; i++) {
        const Node *node = &tree->nodes[i];
        place[node->lm_state] = 0;
        if (keep_ends && node->end == true)
            place[node->end_state] = 0;
    }
    int32_t count = 0;
    for (int32_t state = 0; state < tree->state_count; state++) {
        if (place[state] == NONE)
            continue;
        tree->states[count] = tree->states[state];
        place[state] = count++;
    }
    for (int32_t i = 0; i < tree->node_count; i++) {
        Node *node = &tree->nodes[i];
        node->lm_state = place[node->lm_state];
        if (node->end == true)
            node->end_state = keep_ends ? place[node->end_state] : node->lm_state;
    }
    tree->state_count = count;
}

/* Forget the nodes that lead to none of the beam; the others keep their order. */
static void compact_nodes(Tree *tree, int32_t *beam, int32_t entries, int32_t *place) {
    for (int32_t i = 0; i < tree->node_count; i++)
        place[i] = NONE;
    place[0] = 0;
    for (int32_t i = 0; i < entries; i++)
        place[beam[i]] = 0;
    /* The number of a parent is below those of its children. */
    for (int32_t i = tree->node_count - 1; i > 0; i--)
        if (place[i] != NONE)
            place[tree->parents[i]] = 0;
    int32_t count = 0;
    for (int32_t i = 0; i < tree->node_count; i++) {
        if (place[i] == NONE)
            continue;
        place[i] = count;
        const int32_t parent = i > 0 ? place[tree->parents[i]] : NONE;
        tree->nodes[count] = tree->nodes[i];
        tree->nodes[count].child = NONE;
        tree->tokens[count] = tree->tokens[i];
        tree->parents[count] = parent;
        if (i > 0) {
            tree->nodes[count].sibling = tree->nodes[parent].child;
            tree->nodes[parent].child = count;
        }
        count++;
    }
    for (int32_t i = 0; i < entries; i++)
        beam[i] = place[beam[i]];
    tree->node_count = count;
}

bool tree_reserve(Tree *tree, int32_t more, int32_t *beam, int32_t entries) {
    /* A node makes a state when it is made and another when its word ends. */
    if (more > (INT32_MAX >> 3) - tree->node_count || more > (INT32_MAX >> 3) - tree->state_count)
        return false;
    if (tree->node_count + more <= tree->node_room &&
        tree->state_count + 2 * more <= tree->state_room)
        return true;
    const int32_t most =
        tree->node_count > tree->state_count ? tree->node_count : tree->state_count;
    int32_t *place = malloc((size_t)most * sizeof *place);
    if (!place)
        return false;
    compact_nodes(tree, beam, entries, place);
    compact_states(tree, place);
    free(place);
    /* At least half is free afterwards, so that this seldom happens. */
    int32_t nodes = tree->node_room, states = tree->state_room;
    while (nodes < 2 * (tree->node_count + more))
        nodes *= 2;
    while (states < 2 * (tree->state_count + 2 * more))
        states *= 2;
    return make_room(tree, nodes, states);
}

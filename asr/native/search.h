/* The prefix beam search: its tables and options, and the trie of the prefixes that it has met. */
#ifndef ASR_SEARCH_H
#define ASR_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lm.h"

enum { NO_LM, WORD_LM, TOKEN_LM };

/* The tables and options of a search; asr/native/structures.py has the same fields in this order.
 * V is the size of the vocabulary. Tables that a search does without are NULL. Thresholds are
 * probabilities, all other scores natural logarithms. */
typedef struct {
    const uint8_t *boundaries;        /* (V,) whether a word ends before the token */
    const uint64_t *codes, *powers;   /* (V,) the rolling hash of a word's characters */
    const int32_t *lexicon_first;     /* (nodes + 1,) the lexicon, a trie of token ids; without one,
                                       * the words of the LM are found by their hashes */
    const int32_t *lexicon_label;     /* (nodes,) */
    const int32_t *lexicon_words;     /* (nodes,) the word that ends here as the LM's id, or -1 */
    const uint64_t *lexicon_follow;   /* (nodes,) the tokens that a closed lexicon allows next: bit
                                       * k is set for the tokens k, k + 64, k + 128 and so on */
    const Lm *lm;
    const int32_t *token_words;       /* (V,) the LM's id of each token */
    const int32_t *hot_next;          /* (states, V) */
    const double *hot_gain;           /* (states,) */
    const double *hot_potential;      /* (states,) */
    double lm_weight, word_bonus, unknown_score;
    double beam_threshold, token_threshold, blank_skip;
    double largest_factor;            /* the most that one token can multiply a prefix's mass by */
    int32_t size;                     /* V */
    int32_t blank;
    int32_t space;                    /* -1: the vocabulary has none */
    int32_t leading;                  /* whether a text may begin with the space */
    int32_t closed;                   /* whether words outside the lexicon are not allowed */
    int32_t lm_kind;                  /* NO_LM, WORD_LM or TOKEN_LM */
    int32_t lm_unknown, lm_end;
    int32_t beam_size, max_tokens;
    int32_t plain;                    /* whether the context score of every prefix is 0 */
} Search;

/* A prefix. Its context scores depend on the prefix alone and not on the audio. */
typedef struct {
    double fixed;      /* the sum of the weighted scores that stay */
    double potential;  /* lent for a hot word that has begun */
    double lm;         /* the language model's unweighted part of `fixed` */
    double ratio;      /* exp(the context score less that of the parent) */
    double end_score;  /* the weighted score of ending the word here, once `end` is known */
    double end_ratio;  /* exp of it */
    double end_lm;     /* the language model's unweighted part of it */
    uint64_t word;     /* the hash of the word that has begun */
    int32_t child, sibling;
    int32_t slot;      /* the place in the beam, or NONE */
    int32_t lexicon;   /* the node of the lexicon */
    int32_t lm_state;  /* the index of the language model's state */
    int32_t end_state; /* that after the word */
    int32_t hot;       /* the state of the automaton of hot words */
    int32_t end;       /* UNKNOWN_END, or whether the word may end here */
} Node;

enum { NONE = -1, UNKNOWN_END = -1 };

/* The prefixes that a search has met and not forgotten. Node 0 is the empty prefix. */
typedef struct {
    const Search *search;
    int32_t *parents, *tokens; /* (node_room,) NONE at node 0 */
    Node *nodes;
    LmState *states;
    int32_t node_count, node_room, state_count, state_room;
} Tree;

/* Return the child of the lexicon's `node` along `label`, or NONE; edges are sorted by labels. */
int32_t lexicon_child(const Search *search, int32_t node, int32_t label);

/* Make a tree of the empty prefix; `start` is the language model's state, NULL without a model.
 * Return false if there is no memory. */
bool tree_init(Tree *tree, const Search *search, const LmState *start);

void tree_free(Tree *tree);

/* Make room for `more` nodes and as many ends of words. Nodes that do not lead to one of `beam`
 * (entries,) are forgotten where that helps, and `beam` gets the new numbers of its nodes. Return
 * false if there is no memory; the tree is then as it was. */
bool tree_reserve(Tree *tree, int32_t more, int32_t *beam, int32_t entries);

/* Return whether `token` may follow the prefix `node`, and exp(what the context score grows by). A
 * closed lexicon has to allow the token. */
bool tree_ratio(Tree *tree, int32_t node, int32_t token, double *ratio);

/* Return the prefix `node` with one token more, or NONE if the token may not follow. */
int32_t tree_child(Tree *tree, int32_t node, int32_t token);

/* Return whether a text may end with the prefix `node`; `scores` gets its context score and the
 * language model's unweighted part of it. The sentence ends too if `sentence_ends`, unless nothing
 * was said: silence is no sentence, and language models have learnt none that is empty. */
bool tree_finish(Tree *tree, int32_t node, bool sentence_ends, double scores[2]);

#endif

"""Context scores of a prefix: lexicon, language model, word bonus and hot words.

They depend on the prefix alone and not on the audio, and are computed token by token:
:func:`extend` appends one token to a prefix, :func:`finish` ends the text, and :func:`text_state`
does both for a whole text.
"""

from typing import Any, NamedTuple

import numpy as np

from asr.decoding.jit import compiled, inlined

NO_LM, WORD_LM, TOKEN_LM = 0, 1, 2
NO_END = -1  # as lm_end: the sentence goes on
LN10 = float(np.log(10.0))


class Context(NamedTuple):
    """The tables and weights of the compiled search. Tables that are not used are empty.

    ``boundaries`` (V,): the tokens before which a word ends; ``codes`` and ``powers`` (V,): see
    :func:`asr.decoding.confidence.token_codes`; ``lexicon_*``: a trie of spelled words
    (:class:`asr.lm.trie.Trie`), ``lexicon_words`` (nodes,) whether a word ends there, as its
    id in the language model, -1 elsewhere;
    ``lm_*``: an n-gram model (:class:`asr.lm.ngram.NgramModel`); ``token_words`` (V,) the
    language model's id of each token; ``hot_*``: an automaton
    (:class:`asr.decoding.hotwords.HotWords`).
    """

    space: int  # token id, -1: the vocabulary has none
    leading: bool  # a text may begin with the space
    boundaries: Any
    codes: Any
    powers: Any
    closed: bool  # words outside the lexicon are not allowed
    lm_kind: int
    lm_weight: float
    word_bonus: float
    unknown_score: float
    use_lexicon: bool
    lexicon_first: Any
    lexicon_label: Any
    lexicon_words: Any
    lm_first: Any
    lm_label: Any
    lm_log10_probs: Any
    lm_log10_backoffs: Any
    lm_suffix: Any
    lm_lower: int
    lm_unknown: int
    lm_end: int
    token_words: Any
    use_hot: bool
    hot_next: Any
    hot_gain: Any
    hot_potential: Any


class State(NamedTuple):
    """The scores of a prefix and its position in the tables.

    ``fixed`` is the sum of the weighted scores that stay. ``potential`` is lent for a hot word that
    has begun, and is taken back if the word is not completed. ``lm`` is the language model's
    unweighted part of ``fixed``. All are natural logarithms. ``lexicon``, ``lm_state`` and ``hot``
    are nodes and states of the tables.
    """

    allowed: bool
    fixed: float
    potential: float
    lm: float
    lexicon: int | np.int64
    lm_state: int | np.int64
    hot: int | np.int64


@inlined
def trie_child(first: Any, label: Any, node: Any, wanted: int) -> int:
    """Return the child of ``node`` along the edge ``wanted`` in a trie with sorted edges, or -1."""
    low, high = first[node], first[node + 1]
    while low < high:
        middle = (low + high) >> 1
        if label[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    if low < first[node + 1] and label[low] == wanted:
        return low
    return -1


@inlined
def lm_step(context: Context, state: Any, word: int) -> tuple[float, Any]:
    """Return ln P(word | state) with Katz back-off, and the state after the word."""
    log10 = 0.0
    while True:
        # All words are children of the root, in the order of their ids.
        child = 1 + word
        if state != 0:
            child = trie_child(context.lm_first, context.lm_label, state, word)
        if child >= 0:
            break
        log10 += context.lm_log10_backoffs[state]
        state = context.lm_suffix[state]
    log10 += context.lm_log10_probs[child]
    if child >= context.lm_lower:  # an n-gram of the highest order is no context
        child = context.lm_suffix[child]
    return LN10 * log10, child


@inlined
def end_word(context: Context, lexicon: Any, lm_state: Any) -> tuple[bool, float, float, Any]:
    """End a word at this node of the lexicon.

    Return whether the word is allowed, its weighted score, its language model score and the state
    of the language model after it.
    """
    word = -1
    if context.use_lexicon and lexicon >= 0:
        word = context.lexicon_words[lexicon]
    if context.closed and word < 0:
        return False, 0.0, 0.0, lm_state
    score, lm = context.word_bonus, 0.0
    if context.lm_kind == WORD_LM:
        if word < 0 or word == context.lm_unknown:
            word = context.lm_unknown
            score += context.unknown_score
        lm, lm_state = lm_step(context, lm_state, word)
        score += context.lm_weight * lm
    return True, score, lm, lm_state


@inlined
def extend(context: Context, state: State, last: int, token: int) -> State:
    """Return the state of the prefix that ends in ``last`` (-1: empty) with ``token`` appended."""
    fixed, lm = state.fixed, state.lm
    lexicon, lm_state = state.lexicon, state.lm_state
    if context.boundaries[token]:
        if last >= 0 and last != context.space:
            allowed, gain, lm_gain, lm_state = end_word(context, lexicon, lm_state)
            if not allowed:
                return State(False, 0.0, 0.0, 0.0, 0, 0, 0)
            fixed += gain
            lm += lm_gain
        elif context.closed and (last >= 0 or (token == context.space and not context.leading)):
            # A space after a space, or at the beginning.
            return State(False, 0.0, 0.0, 0.0, 0, 0, 0)
        lexicon = 0
    if context.use_lexicon and token != context.space:
        if lexicon >= 0:
            lexicon = trie_child(context.lexicon_first, context.lexicon_label, lexicon, token)
        if lexicon < 0 and context.closed:
            return State(False, 0.0, 0.0, 0.0, 0, 0, 0)
    if context.lm_kind == TOKEN_LM:
        lm_gain, lm_state = lm_step(context, lm_state, context.token_words[token])
        fixed += context.lm_weight * lm_gain
        lm += lm_gain
    hot, potential = 0, 0.0
    if context.use_hot:
        if context.boundaries[token]:
            fixed += context.hot_gain[state.hot]
        hot = context.hot_next[state.hot, token]
        potential = context.hot_potential[hot]
    return State(True, fixed, potential, lm, lexicon, lm_state, hot)


@inlined
def allowed_tokens(context: Context, lexicon: int, offered: Any, frame: int, tokens: Any) -> int:
    """Fill ``tokens`` with those that a closed lexicon allows after its node ``lexicon``, and that
    ``offered`` (V,) marks with the number of this ``frame``; return their count."""
    count = 0
    for child in range(context.lexicon_first[lexicon], context.lexicon_first[lexicon + 1]):
        token = context.lexicon_label[child]
        if offered[token] == frame:
            tokens[count] = token
            count += 1
    word_ends = context.lexicon_words[lexicon] >= 0
    if (word_ends or (context.leading and lexicon == 0)) and offered[context.space] == frame:
        tokens[count] = context.space
        count += 1
    if word_ends and context.leading:  # tokens that begin with a space, too
        for child in range(context.lexicon_first[0], context.lexicon_first[1]):
            token = context.lexicon_label[child]
            if context.boundaries[token] and offered[token] == frame:
                tokens[count] = token
                count += 1
    return count


@inlined
def finish(context: Context, state: State, last: int) -> State:
    """Return the state at the end of the text, after its last word.

    The sentence ends there too, unless ``lm_end`` is :data:`NO_END`.
    """
    fixed, lm, lm_state = state.fixed, state.lm, state.lm_state
    if last >= 0 and last != context.space:
        allowed, gain, lm_gain, lm_state = end_word(context, state.lexicon, lm_state)
        if not allowed:
            return State(False, 0.0, 0.0, 0.0, 0, 0, 0)
        fixed += gain
        lm += lm_gain
    if context.lm_kind != NO_LM and context.lm_end != NO_END:
        lm_gain, lm_state = lm_step(context, lm_state, context.lm_end)
        fixed += context.lm_weight * lm_gain
        lm += lm_gain
    if context.use_hot:
        fixed += context.hot_gain[state.hot]
    return State(True, fixed, 0.0, lm, state.lexicon, lm_state, state.hot)


@compiled
def text_state(context: Context, tokens: Any, lm_state: int) -> State:
    """Return the state at the end of the text of ``tokens`` (n,), which begins in ``lm_state``."""
    state = State(True, 0.0, 0.0, 0.0, np.int64(0), np.int64(lm_state), np.int64(0))
    last = -1
    for token in tokens:
        state = extend(context, state, last, token)
        if not state.allowed:
            return state
        last = token
    return finish(context, state, last)

"""Confidences of beam search: each word's posterior among the hypotheses that the search kept."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from asr.decoding.beam_kernel import NONE, PARENT, TOKEN
from asr.decoding.context import Context
from asr.decoding.jit import compiled

NEGLIGIBLE = 1e-6
"""Hypotheses less probable than this share of the best one are left out."""

SMALLEST = 1e-10
BASE, MASK = 1000003, 0xFFFFFFFFFFFF


@compiled
def prefix_tokens(nodes: Any, node: int) -> Any:
    """Return the tokens (n,) of the prefix at ``node``."""
    count, end = 0, node
    while nodes[node, TOKEN] != NONE:
        count += 1
        node = nodes[node, PARENT]
    tokens = np.empty(count, np.int32)
    while nodes[end, TOKEN] != NONE:
        count -= 1
        tokens[count] = nodes[end, TOKEN]
        end = nodes[end, PARENT]
    return tokens


@compiled
def hash_words(tokens: Any, context: Context) -> Any:
    """Return a hash (words,) of each word, which is the same however it is divided into tokens."""
    words = np.empty(len(tokens), np.int64)
    count, inside = 0, False
    for token in tokens:
        if token == context.space:
            inside = False
            continue
        if not inside or context.boundaries[token]:
            inside = True
            words[count] = 0
            count += 1
        word = words[count - 1] * context.powers[token] + context.codes[token]
        words[count - 1] = word & MASK
    return words[:count]


def token_codes(texts: Sequence[str]) -> tuple[Any, Any]:
    """Return the hash (V,) of each token's text without spaces, and a factor (V,) for the hash of
    what stands before it.

    With them, tokens hash a text as its characters would one by one.
    """
    codes, powers = np.zeros(len(texts), np.int64), np.ones(len(texts), np.int64)
    for index, text in enumerate(texts):
        code, power = 0, 1
        for character in text.replace(" ", ""):
            code, power = (code * BASE + ord(character) + 1) & MASK, power * BASE & MASK
        codes[index], powers[index] = code, power
    return codes, powers


@compiled
def word_posteriors(nodes: Any, beam: Any, totals: Any, chosen: int, context: Context) -> Any:
    """Return the posterior (words,) of each word of the hypothesis ``chosen``.

    It is the summed probability (the softmax of the ``totals``) of the hypotheses that have the
    same word in that place, found by aligning the words of both with the fewest edits.
    """
    ours = hash_words(prefix_tokens(nodes, beam[chosen]), context)
    count = len(ours)
    posteriors = np.zeros(count)
    highest, weight_sum = totals.max(), 0.0
    for i in range(len(beam)):
        weight = np.exp(totals[i] - highest)
        if weight < NEGLIGIBLE and i != chosen:
            continue
        weight_sum += weight
        theirs = hash_words(prefix_tokens(nodes, beam[i]), context)
        others = len(theirs)
        costs = np.empty((count + 1, others + 1), np.int32)
        for a in range(count + 1):
            costs[a, 0] = a
        for b in range(others + 1):
            costs[0, b] = b
        for a in range(1, count + 1):
            for b in range(1, others + 1):
                change = costs[a - 1, b - 1] + (ours[a - 1] != theirs[b - 1])
                costs[a, b] = min(change, costs[a - 1, b] + 1, costs[a, b - 1] + 1)
        a, b = count, others
        while a > 0 and b > 0:
            same = ours[a - 1] == theirs[b - 1]
            if costs[a, b] == costs[a - 1, b - 1] + (not same):
                posteriors[a - 1] += weight * same
                a -= 1
                b -= 1
            elif costs[a, b] == costs[a - 1, b] + 1:
                a -= 1
            else:
                b -= 1
    return posteriors / weight_sum


@compiled
def token_posteriors(nodes: Any, beam: Any, totals: Any, chosen: int, context: Context) -> Any:
    """Return the tokens (n,) of the hypothesis ``chosen``, and the natural logarithm (n,) of the
    posterior of each token's word; a space belongs to the word before it."""
    tokens = prefix_tokens(nodes, beam[chosen])
    posteriors = word_posteriors(nodes, beam, totals, chosen, context)
    logs = np.zeros(len(tokens))
    word, inside = -1, False
    for i in range(len(tokens)):
        if tokens[i] == context.space:
            inside = False
        elif not inside or context.boundaries[tokens[i]]:
            inside = True
            word += 1
        if word >= 0:
            logs[i] = np.log(max(posteriors[word], SMALLEST))
    return tokens, logs

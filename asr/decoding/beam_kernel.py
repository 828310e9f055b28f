"""Prefix beam search: the compiled loop over frames.

The recursion is that of Graves (2012), algorithm 1, and of Hannun et al. (2014), algorithm 1:
a prefix keeps the probability of all paths that end in a blank apart from that of those that end
in its last token, since only after a blank can the same token follow as a new one.

Prefixes are nodes of a trie that grows. A prefix that stays in the beam takes its own mass, and
the mass of its parent extended by its last token where the parent is in the beam too: so equal
prefixes meet without a hash table, and a node is made only for a prefix that was selected.

The arithmetic is that of probabilities: no logarithm is taken in the inner loops.
The context score of a prefix is a factor of its mass. After every frame all masses are divided by
the largest, whose logarithm is kept, so that only masses below e**-700 of the best are lost.
"""

from typing import Any, NamedTuple

import numpy as np

from asr.decoding.context import Context, State, allowed_tokens, extend, finish
from asr.decoding.jit import compiled, inlined

# Columns of the integers and of the floats of a node.
PARENT, TOKEN, CHILD, SIBLING, SLOT, LEXICON, LM_STATE, HOT = range(8)
FIXED, POTENTIAL, LM, RATIO = range(4)
# Columns of the mass of a prefix in the beam: the probability of its paths that end in a blank, of
# those that end in its last token, and of both.
BLANK, NON_BLANK, BOTH = range(3)
# The natural logarithm of what all masses were divided by, and the largest mass now.
SCALE, LARGEST = range(2)
NONE = -1


class Limits(NamedTuple):
    """The options that limit the search, see :class:`asr.decoding.config.DecodingConfig`.

    Thresholds are probabilities here.
    """

    blank: int
    beam_size: int
    beam_threshold: float
    max_tokens: int
    token_threshold: float
    blank_skip: float
    plain: bool  # the context score of every prefix is 0
    largest_factor: float  # the most that one token can multiply a prefix's context by


class Tree(NamedTuple):
    """The trie of all prefixes, and the prefixes in the beam."""

    nodes: Any  # (capacity, 8) int32, columns as above
    values: Any  # (capacity, 4) float64: scores of the context
    beam: Any  # (beam_size,) int32: nodes
    mass: Any  # (beam_size, 3) float64: probabilities times the factor of the context, scaled
    scale: Any  # (2,) float64
    counts: Any  # (2,) int64: prefixes in the beam, nodes in use


@inlined
def nth_largest(values: Any, count: int, n: int) -> float:
    """Return the ``n``-th largest of the first ``count`` values, reordering them (quickselect)."""
    low, high, wanted = 0, count - 1, n - 1
    while low < high:
        pivot = values[(low + high) >> 1]
        i, j = low, high
        while i <= j:
            while values[i] > pivot:
                i += 1
            while values[j] < pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if wanted <= j:
            high = j
        elif wanted >= i:
            low = i
        else:
            break
    return values[wanted]


@inlined
def best_tokens(row: Any, blank: int, lowest: float, tokens: Any) -> int:
    """Fill ``tokens`` with a frame's most probable tokens, the best first; return their count."""
    count, room = 0, len(tokens)
    for token in range(len(row)):
        value = row[token]
        if token == blank or value < lowest or value == 0.0:
            continue
        if count == room:
            if value <= row[tokens[count - 1]]:
                continue
            count -= 1
        place = count
        while place > 0 and row[tokens[place - 1]] < value:
            tokens[place] = tokens[place - 1]
            place -= 1
        tokens[place] = token
        count += 1
    return count


@inlined
def state_of(nodes: Any, values: Any, node: int) -> State:
    """Return the context state that is stored for a prefix."""
    return State(
        True,
        values[node, FIXED],
        values[node, POTENTIAL],
        values[node, LM],
        np.int64(nodes[node, LEXICON]),  # int() would keep its 32 bits
        np.int64(nodes[node, LM_STATE]),
        np.int64(nodes[node, HOT]),
    )


@inlined
def child_node(
    nodes: Any, values: Any, used: int, context: Context, plain: bool, node: int, token: int
) -> int:
    """Return the node of a prefix with one more token, which is number ``used`` if it is new."""
    child = nodes[node, CHILD]
    while child != NONE:
        if nodes[child, TOKEN] == token:
            return child
        child = nodes[child, SIBLING]
    nodes[used, PARENT] = node
    nodes[used, TOKEN] = token
    nodes[used, CHILD] = NONE
    nodes[used, SIBLING] = nodes[node, CHILD]
    nodes[used, SLOT] = NONE
    nodes[node, CHILD] = used
    if plain:
        for column in range(LEXICON, HOT + 1):
            nodes[used, column] = 0
        for column in range(RATIO):
            values[used, column] = 0.0
        values[used, RATIO] = 1.0
        return used
    state = extend(context, state_of(nodes, values, node), nodes[node, TOKEN], token)
    values[used, FIXED] = state.fixed
    values[used, POTENTIAL] = state.potential
    values[used, LM] = state.lm
    known = values[node, FIXED] + values[node, POTENTIAL]
    values[used, RATIO] = np.exp(state.fixed + state.potential - known)
    nodes[used, LEXICON] = state.lexicon
    nodes[used, LM_STATE] = state.lm_state
    nodes[used, HOT] = state.hot
    return used


@compiled
def advance(probs: Any, context: Context, limits: Limits, tree: Tree) -> int:
    """Process frames until they end or the tree may be full; return how many were processed.

    ``probs`` (frames, V) float64 are probabilities.
    """
    blank, beam_size, beam_threshold = limits.blank, limits.beam_size, limits.beam_threshold
    nodes, values, beam, mass, scale, counts = tree
    frames, size = probs.shape
    entries, used = counts[0], counts[1]
    room = beam_size * (limits.max_tokens + 1)
    scores, order = np.empty(room), np.empty(room)
    parents, labels = np.empty(room, np.int32), np.empty(room, np.int32)
    tokens = np.empty(limits.max_tokens, np.int32)
    tokens_here, offered = np.empty_like(tokens), np.full(size, -1, np.int32)
    met = np.full((beam_size, size), np.int32(-1))
    stays = np.empty((beam_size, 3))
    next_beam, next_mass = np.empty(beam_size, np.int32), np.empty((beam_size, 3))
    done = frames
    for t in range(frames):
        row = probs[t]
        if row[blank] > limits.blank_skip:
            for i in range(entries):
                mass[i, BLANK] = mass[i, BOTH] = mass[i, BOTH] * row[blank]
                mass[i, NON_BLANK] = 0.0
            scale[LARGEST] *= row[blank]
            continue
        if used + beam_size > len(nodes):
            done = t
            break
        divide = 1.0 / scale[LARGEST]
        scale[SCALE] += np.log(scale[LARGEST])
        # Prefixes that stay as they are.
        best, worst = 0.0, np.inf
        for i in range(entries):
            node = beam[i]
            token = nodes[node, TOKEN]
            stays[i, BLANK] = mass[i, BOTH] * row[blank] * divide
            stays[i, NON_BLANK] = 0.0
            if token != NONE:
                parent = nodes[node, PARENT]
                total = mass[i, NON_BLANK]
                j = nodes[parent, SLOT]
                if j != NONE:
                    before = mass[j, BLANK] if nodes[parent, TOKEN] == token else mass[j, BOTH]
                    total += before * values[node, RATIO]
                    met[j, token] = t
                stays[i, NON_BLANK] = total * row[token] * divide
            scores[i] = stays[i, BOTH] = stays[i, BLANK] + stays[i, NON_BLANK]
            best, worst = max(best, scores[i]), min(worst, scores[i])
        # Below this, a candidate cannot be among the best of all.
        lowest = best * beam_threshold
        if entries == beam_size:
            lowest = max(lowest, worst)
        # Prefixes with one token more.
        count = entries
        usable = best_tokens(row, blank, row.max() * limits.token_threshold, tokens)
        for k in range(usable):
            offered[tokens[k]] = t
        most = row[tokens[0]] * divide * limits.largest_factor if usable else 0.0
        for i in range(entries):
            if mass[i, BOTH] * most < lowest:
                continue
            node = beam[i]
            last = nodes[node, TOKEN]
            tried = usable
            if context.closed:
                tried = allowed_tokens(context, nodes[node, LEXICON], offered, t, tokens_here)
            for k in range(tried):
                token = tokens_here[k] if context.closed else tokens[k]
                factor = row[token] * divide
                if mass[i, BOTH] * factor * limits.largest_factor < lowest:
                    if context.closed:
                        continue
                    break  # the rest is less probable
                if met[i, token] == t:
                    continue
                score = (mass[i, BLANK] if token == last else mass[i, BOTH]) * factor
                if not limits.plain:
                    if score * limits.largest_factor < lowest:
                        continue
                    state = extend(context, state_of(nodes, values, node), last, token)
                    if not state.allowed:
                        continue
                    known = values[node, FIXED] + values[node, POTENTIAL]
                    if state.fixed + state.potential != known:
                        score *= np.exp(state.fixed + state.potential - known)
                if score < lowest or score == 0.0:
                    continue
                scores[count] = score
                parents[count] = i
                labels[count] = token
                count += 1
                if score > best:
                    best = score
                    lowest = max(lowest, best * beam_threshold)
        # The best of both.
        lowest = max(best * beam_threshold, np.finfo(np.float64).tiny)
        eligible = 0
        for k in range(count):
            if scores[k] >= lowest:
                order[eligible] = scores[k]
                eligible += 1
        at_limit = beam_size
        if eligible > beam_size:
            lowest = nth_largest(order, eligible, beam_size)
            for k in range(count):
                at_limit -= scores[k] > lowest
        kept = 0
        for k in range(count):
            if scores[k] < lowest:
                continue
            if scores[k] == lowest and eligible > beam_size:
                if at_limit == 0:
                    continue
                at_limit -= 1
            if k < entries:
                next_beam[kept] = beam[k]
                for column in range(3):
                    next_mass[kept, column] = stays[k, column]
            else:
                child = child_node(
                    nodes, values, used, context, limits.plain, beam[parents[k]], labels[k]
                )
                used += child == used
                next_beam[kept] = child
                next_mass[kept, BLANK] = 0.0
                next_mass[kept, NON_BLANK] = next_mass[kept, BOTH] = scores[k]
            kept += 1
        for i in range(entries):
            nodes[beam[i], SLOT] = NONE
        entries = kept
        for i in range(entries):
            beam[i] = next_beam[i]
            for column in range(3):
                mass[i, column] = next_mass[i, column]
            nodes[beam[i], SLOT] = i
        scale[LARGEST] = best
        if entries == 0:  # nothing is possible any more
            break
    counts[0], counts[1] = entries, used
    return done


@inlined
def acoustic_score(tree: Tree, i: int) -> float:
    """Return the log-probability of the paths of prefix ``i`` of the beam that were kept."""
    node = tree.beam[i]
    context = tree.values[node, FIXED] + tree.values[node, POTENTIAL]
    return np.log(tree.mass[i, BOTH]) + tree.scale[SCALE] - context


@compiled
def final_scores(context: Context, tree: Tree) -> Any:
    """Return the scores (entries, 3) of the prefixes in the beam as whole texts.

    The columns are total, acoustic and language model. The total is minus infinity for a prefix
    whose last word is not in the lexicon.
    """
    totals = np.empty((tree.counts[0], 3))
    for i in range(len(totals)):
        node = tree.beam[i]
        state = finish(context, state_of(tree.nodes, tree.values, node), tree.nodes[node, TOKEN])
        totals[i, 1] = acoustic_score(tree, i)
        totals[i, 2] = state.lm
        totals[i, 0] = totals[i, 1] + state.fixed if state.allowed else -np.inf
    return totals


@compiled
def compact(tree: Tree) -> None:
    """Remove all nodes but those that lead to prefixes in the beam, and keep their order."""
    nodes, values, beam, counts = tree.nodes, tree.values, tree.beam, tree.counts
    place = np.full(counts[1], NONE, np.int32)
    place[0] = 0
    for i in range(counts[0]):
        place[beam[i]] = 0
    for node in range(counts[1] - 1, 0, -1):  # a parent's number is below its children's
        if place[node] != NONE:
            place[nodes[node, PARENT]] = 0
    used = 0
    for node in range(counts[1]):
        if place[node] == NONE:
            continue
        place[node] = used
        nodes[used] = nodes[node]
        values[used] = values[node]
        nodes[used, CHILD] = NONE
        if node > 0:
            parent = place[nodes[node, PARENT]]
            nodes[used, PARENT] = parent
            nodes[used, SIBLING] = nodes[parent, CHILD]
            nodes[parent, CHILD] = used
        used += 1
    for i in range(counts[0]):
        beam[i] = place[beam[i]]
    counts[1] = used


def new_tree(beam_size: int, lm_state: int) -> Tree:
    """Return a tree with the empty prefix alone, which has probability 1."""
    capacity = 64 * beam_size
    nodes = np.empty((capacity, HOT + 1), np.int32)
    values = np.empty((capacity, RATIO + 1))
    nodes[0] = NONE
    nodes[0, [SLOT, LEXICON, LM_STATE, HOT]] = 0, 0, lm_state, 0
    values[0] = 0.0
    beam, mass = np.zeros(beam_size, np.int32), np.zeros((beam_size, 3))
    mass[0, [BLANK, BOTH]] = 1.0
    return Tree(nodes, values, beam, mass, np.array([0.0, 1.0]), np.ones(2, np.int64))


def make_room(tree: Tree) -> Tree:
    """Return a tree of the same prefixes in which at least half of the nodes are free."""
    compact(tree)
    if 2 * tree.counts[1] <= len(tree.nodes):
        return tree
    nodes, values = (np.concatenate([part, np.empty_like(part)]) for part in tree[:2])
    return tree._replace(nodes=nodes, values=values)

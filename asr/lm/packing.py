"""Packing: an n-gram model is turned into the form that the search reads."""

import unicodedata
import zlib
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from asr.errors import ConfigError
from asr.lm.ngram import FloatArray, NgramModel
from asr.lm.packed import (
    CODE_BITS,
    FLOAT_BITS,
    FORMAT_VERSION,
    HASH_BITS,
    MAGIC,
    PREFIX,
    Block,
    Header,
    LevelLayout,
    PackedLm,
    section_bounds,
)
from asr.lm.quantization import Codebook, quantize
from asr.lm.trie import NO_NODE, IntArray
from asr.lm.word_hash import hash_words


class Level(NamedTuple):
    """The records of one order, each by its path, which is that of a record of the order below and
    one word more, the first of the n-gram.
    """

    parents: npt.NDArray[np.int64]
    words: IntArray
    probs: FloatArray
    backoffs: FloatArray
    added: npt.NDArray[np.bool_]
    """True for n-grams that the model lacks."""


def pack(model: NgramModel, bits: int = FLOAT_BITS) -> PackedLm:
    """Pack a model.

    With 32 ``bits``, all scores stay what they are. With 8, probabilities and back-offs of the
    orders above 1 are rounded to 256 values each; they too stay what they are where an order has no
    more different ones.

    Raises:
        ConfigError: ``bits`` is neither 8 nor 32.

    >>> from asr.lm.kneser_ney import estimate
    >>> model = pack(estimate(["go on", "go back"], order=2).ngrams)
    >>> [scores.round(2).tolist() for scores in model.score([model.encode("go on")])]
    [[-0.22, -0.46, -0.19]]
    """
    if bits not in (CODE_BITS, FLOAT_BITS):
        raise ConfigError(f"a probability takes {CODE_BITS} or {FLOAT_BITS} bits, got {bits}")
    levels = _sort(_levels(model), len(model.words))
    words = zlib.compress("\n".join(model.words).encode("utf-8"), 6)
    header = Header(model.counts, tuple(len(level.words) for level in levels), bits, len(words))
    encoded = header.encode()
    bounds = section_bounds(header, PREFIX.size + len(encoded))
    block = np.zeros(bounds[-1], np.uint8)
    _put(block, PREFIX.size, np.frombuffer(encoded, np.uint8))
    places = iter(bounds)
    for k, layout in enumerate(header.levels):
        children = levels[k + 1].parents if layout.backoff else np.zeros(0, np.int64)
        for part in _level_sections(layout, levels[k], children):
            _put(block, next(places), part)
    for part in (*_word_table(model, header.word_bits), np.frombuffer(words, np.uint8)):
        _put(block, next(places), part)
    checksum = zlib.crc32(block[PREFIX.size :].data)
    prefix = PREFIX.pack(MAGIC, FORMAT_VERSION, len(encoded), checksum)
    _put(block, 0, np.frombuffer(prefix, np.uint8))
    return PackedLm(block)


def _put(block: Block, place: int, part: npt.NDArray[np.generic]) -> None:
    data = part.view(np.uint8)
    block[place : place + len(data)] = data


def _levels(model: NgramModel) -> list[Level]:
    """Return the records of each order; a parent is given by its place in the level before.

    The path of an n-gram leads through those of its suffixes. Where the model lacks one, a record
    is added with the probability that it backs off to, and with a back-off of 0, so that no score
    changes.
    """
    trie, bounds = model.trie, model.bounds
    parents = trie.parents()
    first_words = trie.label.copy()
    for begin, end in pairwise(bounds[2:]):
        first_words[begin:end] = first_words[parents[begin:end]]
    levels = []
    added = np.zeros((model.order, 0), np.int32)  # n-grams of this order, in columns
    for k in range(model.order, 1, -1):
        begin, end = bounds[k : k + 2]
        nodes = np.arange(begin, end)
        suffixes = np.concatenate([model.suffix[begin:end], _find(model, added[1:])])
        places = suffixes.astype(np.int64) - bounds[k - 1]
        lacking = np.flatnonzero(places < 0)
        shorter = np.zeros((k - 1, 0), np.int32)
        if len(lacking):
            here = lacking[lacking < len(nodes)]
            grams = np.concatenate(
                [
                    _spell(model, parents, nodes[here], k)[1:],
                    added[1:, lacking[len(here) :] - len(nodes)],
                ],
                axis=1,
            )
            shorter, which = np.unique(grams, axis=1, return_inverse=True)
            places[lacking] = bounds[k] - bounds[k - 1] + which.ravel()
        probs = [model.log10_probs[begin:end], _back_off(model, added)]
        backoffs = [model.log10_backoffs[begin:end], np.zeros(added.shape[1], np.float32)]
        words = np.concatenate([first_words[begin:end], added[0]])
        lacks = np.arange(len(places)) >= len(nodes)
        levels.append(Level(places, words, np.concatenate(probs), np.concatenate(backoffs), lacks))
        added = shorter
    begin, end = bounds[1:3]
    levels.append(
        Level(
            parents=np.zeros(end - begin, np.int64),
            words=trie.label[begin:end],
            probs=model.log10_probs[begin:end],
            backoffs=model.log10_backoffs[begin:end],
            added=np.zeros(end - begin, bool),
        )
    )
    return levels[::-1]


def _spell(
    model: NgramModel, parents: IntArray, nodes: npt.NDArray[np.integer], order: int
) -> IntArray:
    """Return the n-grams (order, n) of ``nodes`` (n,)."""
    grams = np.empty((order, len(nodes)), np.int32)
    for row in range(order - 1, -1, -1):
        grams[row] = model.trie.label[nodes]
        nodes = parents[nodes]
    return grams


def _find(model: NgramModel, grams: IntArray) -> IntArray:
    """Return the nodes (n,) of n-grams (order, n), -1 for those that the model lacks."""
    nodes: IntArray = 1 + grams[0]
    for words in grams[1:]:
        nodes = model.trie.children(nodes, words)
    return nodes


def _back_off(model: NgramModel, grams: IntArray) -> FloatArray:
    """Return the log10-probabilities (n,) of n-grams (order, n) that the model may lack."""
    result = np.zeros(grams.shape[1])
    pending = np.ones(grams.shape[1], bool)
    for start in range(len(grams)):
        nodes = _find(model, grams[start:])
        found = pending & (nodes != NO_NODE)
        result[found] += model.log10_probs[nodes[found]]
        pending &= ~found
        if pending.any():
            contexts = _find(model, grams[start:-1])
            held = pending & (contexts != NO_NODE)
            result[held] += model.log10_backoffs[contexts[held]]
    return result.astype(np.float32)


def _sort(levels: list[Level], size: int) -> list[Level]:
    """Sort the records of each order by their parents, and the children of a parent by words."""
    places = np.arange(len(levels[0].words))
    result = [levels[0]]
    for level in levels[1:]:
        parents = places[level.parents]
        order = np.argsort(parents * size + level.words)
        result.append(
            Level(
                parents[order],
                level.words[order],
                level.probs[order],
                level.backoffs[order] if len(level.backoffs) else level.backoffs,
                level.added[order],
            )
        )
        places = np.empty(len(order), np.int64)
        places[order] = np.arange(len(order))
    return result


def _level_sections(
    layout: LevelLayout, level: Level, children: npt.NDArray[np.int64]
) -> Iterator[npt.NDArray[np.generic]]:
    """Yield the sections of one order: two codebooks, which may be empty, and the records."""
    books = []
    for values in (level.probs, level.backoffs)[: 1 + layout.backoff]:
        if layout.coded:
            books.append(quantize(values, 1 << CODE_BITS))
        else:
            books.append(Codebook(np.zeros(0, np.float32), values.view(np.uint32)))
    yield books[0].values
    yield books[1].values if layout.backoff else books[0].values[:0]
    fields: list[tuple[int, npt.NDArray[Any]]] = [(layout.word, level.words)]
    fields += [(layout.value, book.codes) for book in books]
    fields.append((layout.added, level.added))
    # The children of a record end where those of the next one begin; one more record ends the last.
    begins = np.zeros(layout.count + 1, np.int64)
    np.cumsum(np.bincount(children, minlength=layout.count), out=begins[1:])
    yield pack_bits([*fields, (layout.begin, begins)], layout.record, layout.count + 1)


def pack_bits(
    fields: list[tuple[int, npt.NDArray[Any]]], stride: int, count: int
) -> npt.NDArray[np.uint8]:
    """Return ``count`` records of ``stride`` bits, whose fields stand one after another.

    Args:
        fields: the bits of each field, and its values, which may be fewer than the records.
    """
    from asr.native import library

    size = (count * stride + 7) // 8
    data = np.zeros(size + 8, np.uint8)
    offset = 0
    for width, values in fields:
        if width and len(values):
            array = np.ascontiguousarray(values, np.uint32)
            library.lm_pack(data, offset, stride, width, array, len(array))
        offset += width
    return data[:size]


def _word_table(model: NgramModel, width: int) -> Iterator[npt.NDArray[np.uint8]]:
    """Yield the hashes of all words in their normal form, ascending, and their ids.

    Equal hashes are in the order of their ids, of which the lowest is found: words that differ only
    in case share it. That other words share a hash has a chance of 1 to 100,000 for 65,000 words.
    """
    texts = unicodedata.normalize("NFC", "\n".join(model.words).lower()).split("\n")
    hashes = hash_words(texts)
    order = np.argsort(hashes, kind="stable")
    rows = hashes[order].astype("<u8").view(np.uint8).reshape(-1, 8)
    yield np.ascontiguousarray(rows[:, : HASH_BITS // 8]).ravel()
    yield pack_bits([(width, order)], width, len(order))

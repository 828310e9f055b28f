"""The binary form of n-gram models of format 1, which earlier versions of this package wrote.

It holds the arrays of :class:`asr.lm.ngram.NgramModel`: after the prefix and a JSON header they
follow little-endian, aligned to 64 bytes, and at the end the words in UTF-8, one a line. This
module can go when nobody uses such a file any more.
"""

import zlib
from collections.abc import Sequence

from asr.errors import DataError, ModelError
from asr.files import parse_json
from asr.lm.ngram import NgramModel
from asr.lm.packed import PREFIX, Block
from asr.lm.trie import Trie

_ALIGNMENT = 64


def parse_old(data: Block, name: str) -> NgramModel:
    """Return the model that the content of a file holds.

    Raises:
        ModelError: the content is damaged or cut short.
    """
    damaged = f"{name}: the language model is damaged or cut short; build or copy it again"
    _, _, header, checksum = PREFIX.unpack(data[: PREFIX.size].tobytes())
    body = data[PREFIX.size :]
    if zlib.crc32(body.data) != checksum:
        raise ModelError(damaged)
    try:
        sizes = parse_json(body[:header].tobytes().decode())
        counts, num_bytes = [int(count) for count in sizes["counts"]], int(sizes["words"])
        layout = old_layout(counts, num_bytes, header)
        if min(*counts, num_bytes) < 0 or layout[-1][0] + num_bytes != len(data):
            raise ModelError(damaged)
        first, label, suffix, probs, backoffs, blob = (
            data[offset : offset + count * int(kind[2])].view(kind)
            for offset, count, kind in layout
        )
        words = tuple(blob.tobytes().decode("utf-8").split("\n"))
        if len(words) != counts[0]:
            raise ModelError(damaged)
        return NgramModel(len(counts), words, Trie(first, label), probs, backoffs, suffix)
    except (ValueError, KeyError, TypeError, IndexError, DataError) as error:
        raise ModelError(damaged) from error


def old_layout(counts: Sequence[int], words: int, header: int) -> list[tuple[int, int, str]]:
    """Return the offset in the file, the length and the type of each array, given the n-gram counts
    and the sizes of the words and of the header in bytes.
    """
    nodes = 1 + sum(counts)
    kinds = [
        *((nodes + 1, "<i4"), (nodes, "<i4"), (nodes, "<i4")),
        *((nodes, "<f4"), (1 + sum(counts[:-1]), "<f4"), (words, "|u1")),
    ]
    layout = []
    offset = PREFIX.size + header
    for count, kind in kinds:
        offset = -(-offset // _ALIGNMENT) * _ALIGNMENT
        layout.append((offset, count, kind))
        offset += count * int(kind[2])
    return layout

"""ARPA files, the text form of n-gram models, plain or compressed.

The format is that of Doug Paul (MIT Lincoln Laboratory), as SRILM's manual page ngram-format(5)
describes it. ``\\data\\`` begins it, followed by the number of n-grams of each order. Then each
n-gram of each order has a line ``log10-probability word1 .. wordk [log10-back-off]``. ``\\end\\``
ends it.
"""

import bz2
import gzip
import lzma
import re
import zlib
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import numpy as np

from asr.errors import DataError, ModelError
from asr.files import write_atomically
from asr.lm.arpa_section import IMPOSSIBLE_LOG10, Section, parse_section, shown
from asr.lm.ngram import (
    END,
    MAX_ORDER,
    START,
    UNKNOWN,
    FloatArray,
    GramError,
    NgramModel,
    assemble,
)
from asr.lm.trie import IntArray

_PACKED = {
    b"\x1f\x8b": gzip.decompress, b"BZh": bz2.decompress, b"\xfd7zXZ\x00": lzma.decompress,
}  # fmt: skip
"""The first bytes of compressed files, and what reads these."""
_BOM = b"\xef\xbb\xbf"


def read_arpa(path: str | Path) -> NgramModel:
    """Read a model of order 1 to 6 from a file, which may be compressed with gzip, bzip2 or xz.

    Tabs or spaces separate fields, lines end in LF or CRLF, a missing back-off is 0, the n-grams
    of an order may stand in any sequence, and a pruned model may lack suffixes of its n-grams.
    N-grams of the highest order may have a back-off, of 0. ``<UNK>`` is taken for ``<unk>``. A
    model that lacks it gets it with log10-probability -100, and so do words whose log10-probability
    is ``-inf``, such as ``<s>``.

    Raises:
        ModelError: the file cannot be read.
        DataError: the file is damaged, it lacks ``<s>`` or ``</s>``, or its counts are wrong; or an
            n-gram stands twice, has an unknown word, or lacks the n-gram of its first words. The
            message names the file and the line.
    """
    path = Path(path)
    sections = _sections(path, _read(path))
    words, probs, backoffs = _read_words(sections[0], len(sections))
    index = dict(zip(words, range(len(words)), strict=True))
    if len(index) < len(words):
        row = next(row for row, word in enumerate(words) if index[word] != row)
        row = max(at for at, word in enumerate(words) if word == words[row])
        raise DataError(f"{sections[0].where(row)}: {shown(words[row])} stands here a second time")
    index[b"<UNK>"] = index[UNKNOWN.encode()]
    all_probs, all_backoffs = [probs], [backoffs]
    grams = [np.arange(len(words), dtype=np.int32)[None]]
    for section in sections[1:]:
        ids, probs, backoffs = _read_grams(section, len(sections), index)
        grams.append(ids)
        all_probs.append(probs)
        all_backoffs.append(backoffs)
    try:
        texts = b"\n".join(words).decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: an ARPA file is UTF-8 text, this is not") from error
    try:
        return assemble(texts, grams, all_probs, all_backoffs)
    except GramError as error:
        gram = " ".join(texts[id] for id in grams[error.order - 1][:, error.row])
        where = sections[error.order - 1].where(error.row)
        raise DataError(f"{where}: the n-gram {gram!r}: {error}") from error
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def write_arpa(path: str | Path, model: NgramModel) -> None:
    """Write ``model``, compressed if the name of the file ends in ``.gz``, ``.bz2`` or ``.xz``.

    :func:`read_arpa` reads the same numbers back, bit for bit.

    Raises:
        OutputError: the file cannot be written.
    """
    path = Path(path)
    lines = ["\\data\\"]
    lines += [f"ngram {k}={count}" for k, count in enumerate(model.counts, start=1)]
    parents = model.trie.parents()
    texts = [""]
    for k in range(1, model.order + 1):
        begin, end = model.bounds[k : k + 2]
        offset = model.bounds[k - 1]
        words = (model.words[id] for id in model.trie.label[begin:end].tolist())
        contexts = (texts[node - offset] for node in parents[begin:end].tolist())
        texts = [f"{context} {word}" for context, word in zip(contexts, words, strict=True)]
        lines += ["", f"\\{k}-grams:"]
        # Each text begins with a space. Numpy writes the shortest number that reads back as the
        # same.
        probs = model.log10_probs[begin:end].astype("U").tolist()
        if k < model.order:
            backoffs = model.log10_backoffs[begin:end].astype("U").tolist()
            rows = zip(probs, texts, backoffs, strict=True)
            lines += [f"{prob}\t{text[1:]}\t{backoff}" for prob, text, backoff in rows]
        else:
            lines += [f"{prob}\t{text[1:]}" for prob, text in zip(probs, texts, strict=True)]
    content = "\n".join([*lines, "", "\\end\\", ""]).encode("utf-8")
    match path.suffix:
        case ".gz":
            content = gzip.compress(content, 6, mtime=0)
        case ".bz2":
            content = bz2.compress(content)
        case ".xz":
            content = lzma.compress(content)
    write_atomically(path, content)


def _read(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read the language model {path}: {error.strerror}") from error
    try:
        for signature, decompress in _PACKED.items():
            if data.startswith(signature):
                data = decompress(data)
                break
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
        raise DataError(f"{path}: the compressed file is damaged or cut short: {error}") from error
    return data.removeprefix(_BOM)


def _marks(path: Path, data: bytes) -> list[re.Match[bytes]]:
    """Return the matches of the lines ``\\data\\``, ``\\1-grams:`` ... and ``\\end\\``, whose group
    1
    is the order."""
    pattern = re.compile(rb"\\(?:data\\|end\\|(\d{1,9})-grams:)[ \t\r]*(?=\n|\Z)")
    marks: list[re.Match[bytes]] = []
    at = -1
    while (at := data.find(b"\\", at + 1)) >= 0:
        mark = pattern.match(data, at) if data[at - 1 : at] in (b"", b"\n") else None
        if mark and (marks or mark[0].startswith(b"\\data")):
            marks.append(mark)
            if mark[0].startswith(b"\\end"):
                return marks
    if not marks:
        raise DataError(
            f"{path}: this is neither an ARPA file (no \\data\\ line) nor a binary model"
        )
    raise DataError(f"{path}: no \\end\\ after the last n-grams; the file is cut short")


def _sections(path: Path, data: bytes) -> list[Section]:
    """Return the sections of a file, from order 1 on; their number is the model's order."""
    head, *marks, tail = _marks(path, data)
    orders = [int(mark[1] or 0) for mark in marks]
    if not 1 <= len(orders) <= MAX_ORDER or orders != list(range(1, len(orders) + 1)):
        raise DataError(
            f"{path}: needs the sections \\1-grams: to at most \\{MAX_ORDER}-grams:, got {orders}"
        )
    counts: dict[int, int] = {}
    number = data.count(b"\n", 0, head.start()) + 1
    for line in data[head.end() : marks[0].start()].split(b"\n"):
        parts = re.fullmatch(rb"\s*ngram\s+(\d{1,9})\s*=\s*(\d{1,18})\s*", line)
        if parts:
            counts[int(parts[1])] = int(parts[2])
        elif line.strip():
            raise DataError(f"{path}:{number}: needs 'ngram ORDER=COUNT', got {shown(line)}")
        number += 1
    if sorted(counts) != orders:
        raise DataError(
            f"{path}: \\data\\ has counts for the orders {sorted(counts)}, but there are sections "
            f"for {orders}"
        )
    ends = [*(mark.start() for mark in marks[1:]), tail.start()]
    return [
        Section(path, data, mark.end(), end, order, counts[order])
        for mark, end, order in zip(marks, ends, orders, strict=True)
    ]


def _read_words(section: Section, highest: int) -> tuple[list[bytes], FloatArray, FloatArray]:
    """Return the words, log10-probabilities and back-offs of the 1-grams, ``<unk>`` among them."""
    columns, probs, backoffs = parse_section(section, highest, list)
    words: list[bytes] = list(chain.from_iterable(block[0] for block in columns))
    words = [UNKNOWN.encode() if word == b"<UNK>" else word for word in words]
    for special in (START, END):
        if special.encode() not in words:
            raise DataError(f"{section.path}: the 1-grams lack {special}")
    if UNKNOWN.encode() not in words:
        words.append(UNKNOWN.encode())
        probs = np.append(probs, np.float32(IMPOSSIBLE_LOG10))
        backoffs = np.append(backoffs, np.float32(0))
    return words, probs, backoffs


def _read_grams(
    section: Section, highest: int, index: dict[bytes, int]
) -> tuple[IntArray, FloatArray, FloatArray]:
    """Return the word ids (order, n), log10-probabilities (n,) and back-offs (n,) of n-grams."""

    def to_ids(words: Sequence[bytes]) -> IntArray:
        return np.fromiter(map(index.__getitem__, words), np.int32, len(words))

    columns, probs, backoffs = parse_section(section, highest, to_ids, index)
    none = np.zeros((section.order, 0), np.int32)
    ids = np.concatenate([none, *(np.stack(block) for block in columns)], axis=1)
    return ids, probs, backoffs

"""Files of n-gram models: the binary form, which is mapped, and a reader for it and for ARPA."""

import json
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from asr.errors import DataError, ModelError
from asr.files import write_atomically
from asr.lm.arpa import read_arpa
from asr.lm.ngram import NgramModel
from asr.lm.trie import Trie

MAGIC = b"asr-ngrm"
FORMAT_VERSION = 1
_PREFIX = struct.Struct("<8sIII")  # magic, version, bytes of the header, CRC-32 of the rest
_ALIGNMENT = 64


def read_lm(path: str | Path) -> NgramModel:
    """Read an n-gram model in either form, binary or ARPA; its first bytes tell which it is.

    >>> import tempfile
    >>> from asr.lm.kneser_ney import estimate
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_binary(f"{folder}/lm.ngram", estimate(["go on", "go back"], order=2).model)
    ...     model = read_lm(f"{folder}/lm.ngram")
    >>> model.order, model.words
    (2, ('<unk>', '<s>', '</s>', 'back', 'go', 'on'))

    Raises:
        ModelError, DataError: see :func:`read_binary` and :func:`asr.lm.arpa.read_arpa`.
    """
    path = Path(path)
    try:
        with open(path, "rb") as file:
            start = file.read(len(MAGIC))
    except OSError as error:
        raise ModelError(f"cannot read the language model {path}: {error.strerror}") from error
    return read_binary(path) if start == MAGIC else read_arpa(path)


def write_binary(path: str | Path, model: NgramModel) -> None:
    """Write the binary form, whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    write_atomically(path, to_bytes(model))


def to_bytes(model: NgramModel) -> bytes:
    """Return the binary form of a model.

    It consists of a prefix (magic, version, length of the header, checksum), a JSON header, the
    arrays, little-endian and aligned to 64 bytes, and the words in UTF-8, one a line.
    """
    words = "\n".join(model.words).encode("utf-8")
    header = json.dumps({"counts": model.counts, "words": len(words)}).encode("ascii")
    arrays: tuple[npt.NDArray[np.generic], ...] = (
        *(model.trie.first, model.trie.label, model.suffix),
        *(model.log10_probs, model.log10_backoffs, np.frombuffer(words, np.uint8)),
    )
    layout = _layout(model.counts, len(words), len(header))
    parts = [header]
    size = _PREFIX.size + len(header)
    for array, (offset, count, kind) in zip(arrays, layout, strict=True):
        assert len(array) == count
        parts += [bytes(offset - size), array.astype(kind).tobytes()]
        size = offset + len(parts[-1])
    checksum = 0
    for part in parts:
        checksum = zlib.crc32(part, checksum)
    prefix = _PREFIX.pack(MAGIC, FORMAT_VERSION, len(header), checksum)
    return b"".join([prefix, *parts])


def read_binary(path: str | Path) -> NgramModel:
    """Map a model in binary form into memory; its arrays stay in the file, and processes share
    them.

    Raises:
        ModelError: the file cannot be read, is damaged or cut short, or is of another kind or
            version.
    """
    path = Path(path)
    try:
        # Mode "c" gives writable arrays (writes stay in memory): the search is compiled for these.
        data = np.memmap(path, np.uint8, "c").view(np.ndarray)
    except OSError as error:
        raise ModelError(f"cannot read the language model {path}: {error.strerror}") from error
    except ValueError as error:  # an empty file cannot be mapped
        raise ModelError(f"{path}: the file is empty, it needs a language model") from error
    damaged = f"{path}: the language model is damaged or cut short; build or copy it again"
    if data[: len(MAGIC)].tobytes() != MAGIC:
        raise ModelError(f"{path}: this is not a binary n-gram model as asr lm build writes it")
    if len(data) < _PREFIX.size:
        raise ModelError(damaged)
    _, version, header, checksum = _PREFIX.unpack(data[: _PREFIX.size].tobytes())
    if version != FORMAT_VERSION:
        raise ModelError(
            f"{path}: the language model has format {version}, but this version of the package "
            f"reads format {FORMAT_VERSION}; build it again from its ARPA file or its text"
        )
    body = data[_PREFIX.size :]
    if zlib.crc32(body.data) != checksum:
        raise ModelError(damaged)
    try:
        sizes = json.loads(body[:header].tobytes())
        counts, num_bytes = [int(count) for count in sizes["counts"]], int(sizes["words"])
        layout = _layout(counts, num_bytes, header)
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


def _layout(counts: Sequence[int], words: int, header: int) -> list[tuple[int, int, str]]:
    """Return the offset in the file, the length and the type of each array, given the n-gram counts
    and the sizes of the words and of the header in bytes."""
    nodes = 1 + sum(counts)
    kinds = [
        *((nodes + 1, "<i4"), (nodes, "<i4"), (nodes, "<i4")),
        *((nodes, "<f4"), (1 + sum(counts[:-1]), "<f4"), (words, "|u1")),
    ]
    layout = []
    offset = _PREFIX.size + header
    for count, kind in kinds:
        offset = -(-offset // _ALIGNMENT) * _ALIGNMENT
        layout.append((offset, count, kind))
        offset += count * int(kind[2])
    return layout

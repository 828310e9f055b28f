"""N-gram language models in the form that the search reads: a packed trie in one block of memory.

The block is also the content of a file, so that a file is mapped and not read. It consists of a
prefix (magic, version, length of the header, CRC-32 of all that follows it), a JSON header and
sections, each of which begins at a multiple of 64 bytes, 8 or more behind the end of another:

- for each order the values of the codes of probabilities and back-offs (256 32-bit floats each),
  where the order is quantised, and the records, whose layout is explained in asr/native/lm.h;
- the hashes of all words (:mod:`asr.lm.word_hash`), ascending, and the ids of the words;
- the words by their ids in UTF-8, one a line, compressed with zlib.

Numbers are little-endian. The structure is that of Heafield (2011), "KenLM: Faster and smaller
language model queries", section 3.2, with reversed n-grams.
"""

import json
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from asr.errors import DataError, ModelError
from asr.files import parse_json
from asr.lm.ngram import END, MAX_ORDER, SPACE, START, UNKNOWN, split_units
from asr.lm.word_hash import hash_word

if TYPE_CHECKING:
    from asr.native.structures import Lm, LmState

MAGIC = b"asr-ngrm"
FORMAT_VERSION, OLD_VERSION = 2, 1
PREFIX = struct.Struct("<8sIII")  # magic, version, bytes of the header, CRC-32 of the rest
HASH_BITS, FLOAT_BITS, CODE_BITS = 48, 32, 8

_ALIGNMENT, _PADDING = 64, 8
_CODEBOOK = 4 << CODE_BITS  # bytes

Block = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class LevelLayout:
    """The bits of the parts of a record, and the number of records of one order."""

    word: int
    value: int
    added: int
    begin: int
    backoff: bool
    count: int

    @property
    def record(self) -> int:
        """The bits of a record."""
        return self.word + self.value * (1 + self.backoff) + self.added + self.begin

    @property
    def coded(self) -> bool:
        """True if values are codes."""
        return self.value == CODE_BITS


@dataclass(frozen=True)
class Header:
    """The sizes of a model: all that the places of the sections follow from.

    ``counts`` are the n-grams of each order; ``records`` include the suffixes that the model lacks.
    ``bits`` are those of a probability, 8 or 32, in all orders but the first, whose values
    are always floats. ``words`` are the bytes of the compressed words.
    """

    counts: tuple[int, ...]
    records: tuple[int, ...]
    bits: int
    words: int

    @property
    def levels(self) -> list[LevelLayout]:
        """The layout of each order."""
        begins = [*(count.bit_length() for count in self.records[1:]), 0]
        return [
            LevelLayout(
                word=self.word_bits if k > 0 else 0,
                value=self.bits if k > 0 else FLOAT_BITS,
                added=int(self.counts[k] < count),
                begin=begins[k],
                backoff=k + 1 < len(self.records),
                count=count,
            )
            for k, count in enumerate(self.records)
        ]

    @property
    def word_bits(self) -> int:
        """The bits of the id of a word."""
        return (self.counts[0] - 1).bit_length()

    def sizes(self) -> Iterator[int]:
        """Yield the bytes of each section."""
        for level in self.levels:
            yield from [_CODEBOOK * level.coded, _CODEBOOK * (level.coded and level.backoff)]
            yield ((level.count + 1) * level.record + 7) // 8
        yield self.counts[0] * HASH_BITS // 8
        yield (self.counts[0] * self.word_bits + 7) // 8
        yield self.words

    def encode(self) -> bytes:
        """Return the JSON form."""
        return json.dumps(asdict(self)).encode("ascii")


def section_bounds(header: Header, start: int) -> list[int]:
    """Return where each section of a block begins whose header ends at ``start``, and at the end
    the size of the block.
    """
    first = -(-start // _ALIGNMENT) * _ALIGNMENT
    *sizes, last = header.sizes()
    padded = (-(-(size + _PADDING) // _ALIGNMENT) * _ALIGNMENT for size in sizes)
    begins = list(accumulate(padded, initial=first))
    return [*begins, begins[-1] + last]


class Matches(NamedTuple):
    """The n-grams of a model that end at each of the T positions of sentences, each of which begins
    with ``<s>``.
    """

    ids: npt.NDArray[np.int32]
    """(T,) the word ids."""
    position: npt.NDArray[np.int64]
    """(T,) the place in the sentence, 0 at ``<s>``."""
    log10_probs: npt.NDArray[np.float64]
    """(T,) the log10-probabilities of the words; 0 at ``<s>``."""
    held: npt.NDArray[np.bool_]
    """(order, T) row k - 1 is true where the k words up to the position are an n-gram of the
    model."""


class PackedLm:
    """An n-gram language model (Katz 1987, eq. 4), looked up by compiled code.

    Args:
        block: the model as a file holds it; see :func:`asr.lm.packing.pack` and
            :func:`asr.lm.ngram_file.read_lm`.
        name: the name of the file for messages.

    Raises:
        ModelError: the block is damaged or cut short, or is of another kind or version.

    >>> from asr.lm.kneser_ney import estimate
    >>> model = estimate(["go on", "go back"], order=2).model
    >>> model.order, model.counts, model.encode("go away")
    (2, (6, 5), [4, 0])
    """

    def __init__(self, block: Block, name: str = "language model") -> None:
        self.block = block
        self.name = name
        damaged = f"{name}: the language model is damaged or cut short; build or copy it again"
        if len(block) < PREFIX.size:
            raise ModelError(damaged)
        magic, version, size, checksum = PREFIX.unpack(block[: PREFIX.size].tobytes())
        if (magic, version) != (MAGIC, FORMAT_VERSION):
            raise ModelError(
                f"{name}: needs an n-gram model of format {FORMAT_VERSION}, got format {version}"
            )
        if zlib.crc32(block[PREFIX.size :].data) != checksum:
            raise ModelError(damaged)
        start = PREFIX.size + size
        try:
            self._header = header = _parse_header(block[PREFIX.size : start].tobytes())
            self._bounds = section_bounds(header, start)
            if self._bounds[-1] != len(block):
                raise ModelError(damaged)
        except (DataError, ValueError, KeyError, TypeError, OverflowError) as error:
            raise ModelError(damaged) from error
        for special in (START, END, UNKNOWN):
            if self._id(special) < 0:
                raise ModelError(damaged)

    @property
    def order(self) -> int:
        """The length of the longest n-grams."""
        return len(self.counts)

    @property
    def counts(self) -> tuple[int, ...]:
        """The number of n-grams of each order, from 1 on."""
        return self._header.counts

    @property
    def bits(self) -> int:
        """The bits of a probability, 8 or 32."""
        return self._header.bits

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words (V,) by their ids."""
        begin = self._bounds[-2]
        try:
            text = zlib.decompress(self.block[begin:].tobytes()).decode("utf-8")
        except (zlib.error, UnicodeDecodeError) as error:
            raise ModelError(f"{self.name}: the words of the language model are damaged") from error
        return tuple(text.split("\n"))

    @cached_property
    def unit(self) -> str:
        """The unit of the model: ``token`` if ``<space>`` is among its words, of which the others
        are then characters; else ``word``.
        """
        return "word" if self._id(SPACE) < 0 else "token"

    @cached_property
    def unknown_id(self) -> int:
        """The id that words outside the model share."""
        return self._id(UNKNOWN)

    def _id(self, word: str) -> int:
        from asr.native import library

        id: int = library.lm_word(self.native, hash_word(word))
        return id

    def word_id(self, word: str) -> int:
        """Return the id of ``word``, in its normal form (:func:`asr.text.normalize`), or that of
        ``<unk>`` if the model lacks it.

        Words that differ only in case share the lowest of their ids.
        """
        id = self._id(word)
        return self.unknown_id if id < 0 else id

    def encode(self, text: str) -> list[int]:
        """Return the ids of the units of a normalised text."""
        return [self.word_id(word) for word in split_units(text, self.unit)]

    @cached_property
    def native(self) -> "Lm":
        """The structure that compiled code takes, which points into this object."""
        from asr.native.structures import Lm, LmLevel

        address = self.block.ctypes.data
        *places, hashes, ids, _, _ = (address + bound for bound in self._bounds)
        levels = []
        for k, layout in enumerate(self._header.levels):
            probs, backoffs, records = places[3 * k : 3 * k + 3]
            levels.append(
                LmLevel(
                    records=records,
                    probs=probs if layout.coded else None,
                    backoffs=backoffs if layout.coded and layout.backoff else None,
                    count=layout.count,
                    word_bits=layout.word,
                    value_bits=layout.value,
                    added_bits=layout.added,
                    begin_bits=layout.begin,
                    record_bits=layout.record,
                )
            )
        return Lm(
            hashes=hashes,
            hash_ids=ids,
            hash_count=self.counts[0],
            id_bits=self._header.word_bits,
            order=self.order,
            levels=(LmLevel * MAX_ORDER)(*levels),
        )

    def state(self, words: Sequence[int]) -> "LmState":
        """Return the state after the beginning of a sentence and the ids ``words``."""
        from asr.native import library
        from asr.native.structures import LmState

        ids = np.array([self._id(START), *words], np.int32)
        state = LmState()
        library.lm_state(self.native, ids, len(ids), state)
        return state

    def match(self, sentences: Sequence[Sequence[int]]) -> Matches:
        """Look up all words of ``sentences`` (ids without ``<s>`` and ``</s>``) and their ends."""
        from asr.native import library

        end = self._id(END)
        stream = [id for words in sentences for id in (-1, *words, end)]
        ids = np.array(stream, np.int32)
        lengths = np.fromiter(map(len, sentences), np.int64, len(sentences)) + 2
        begins = np.cumsum(lengths) - lengths
        scores, held = np.empty(len(ids)), np.empty(len(ids), np.uint8)
        library.lm_score(self.native, self.state([]), ids, len(ids), scores, held)
        ids[begins] = self._id(START)
        held[begins] = 1
        orders = np.arange(self.order, dtype=np.uint8)[:, None]
        position = np.arange(len(ids)) - np.repeat(begins, lengths)
        return Matches(ids, position, scores, (held >> orders & 1).astype(bool))

    def score(self, sentences: Sequence[Sequence[int]]) -> list[npt.NDArray[np.float64]]:
        """Compute the log10-probabilities of all words of sentences and of their ends.

        The longest n-gram in the model that ends at a word gives its probability, and every longer
        context in the model adds its back-off. The first word follows ``<s>``.

        Args:
            sentences: word ids, without ``<s>`` and ``</s>`` (see :meth:`encode`).

        Returns:
            An array (words + 1,) for each sentence, the last of which is that of ``</s>``.
        """
        scores = self.match(sentences).log10_probs
        bounds = accumulate((len(words) + 2 for words in sentences), initial=0)
        return [scores[begin + 1 : end] for begin, end in pairwise(bounds)]


def _parse_header(data: bytes) -> Header:
    """Return the header.

    Raises:
        DataError, ValueError, KeyError, TypeError: it makes no sense.
    """
    values = parse_json(data.decode())
    header = Header(
        counts=tuple(map(int, values["counts"])),
        records=tuple(map(int, values["records"])),
        bits=int(values["bits"]),
        words=int(values["words"]),
    )
    if (
        not 1 <= len(header.counts) <= MAX_ORDER
        or len(header.counts) != len(header.records)
        or header.counts[0] != header.records[0]
        or min(*header.counts, header.words) < 0
        or any(map(int.__gt__, header.counts, header.records))
        or header.bits not in (CODE_BITS, FLOAT_BITS)
        or max(header.records) >= 1 << 32
    ):
        raise ValueError("impossible sizes")
    return header

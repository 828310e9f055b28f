"""The rows of the tagger's embedding table that stand for a word."""

import zlib
from collections.abc import Iterator, Sequence

WIDTH = 16
"""The most rows of a word."""

PADDING_ID = 0
"""The row of zeros that fills the places a word does not need."""


class WordFeatures:
    """The rows of words: one of its own if the word is known, and those of its character n-grams.

    The n-grams are the parts of three characters, and the last four, of ``<word>``; they share
    ``buckets`` rows by their CRC-32 (Bojanowski et al. 2017), so that every word has some.

    >>> features = WordFeatures(["go", "on"], buckets=100)
    >>> features.ids("go")[0], len(features.ids("go")), len(features.ids("goings"))
    (1, 3, 7)
    """

    def __init__(self, words: Sequence[str], buckets: int) -> None:
        self.words, self.buckets = tuple(words), buckets
        self._known = {word: index for index, word in enumerate(words, 1)}

    @property
    def rows(self) -> int:
        """The rows of the table."""
        return 1 + len(self.words) + self.buckets

    def ids(self, word: str) -> list[int]:
        """Return the rows of a word, :data:`WIDTH` at most."""
        first = 1 + len(self.words)
        rows = [self._known[word]] if word in self._known else []
        rows += [
            first + zlib.crc32(part.encode("utf-8", "surrogatepass")) % self.buckets
            for part in n_grams(word)
        ]
        return rows[:WIDTH]

    def padded(self, word: str) -> list[int]:
        """Return the rows of a word and :data:`PADDING_ID` behind them, :data:`WIDTH` in all."""
        rows = self.ids(word)
        return rows + [PADDING_ID] * (WIDTH - len(rows))


def n_grams(word: str) -> Iterator[str]:
    """Yield the end of a word and its parts of three characters, from its start on.

    >>> list(n_grams("goes"))
    ['oes>', '<go', 'goe', 'oes', 'es>']
    """
    marked = f"<{word}>"
    if len(marked) > 4:
        yield marked[-4:]
    for start in range(max(1, len(marked) - 2)):
        yield marked[start : start + 3]

"""Runs of single letters and digits, as in spelled names and telephone numbers.

No mark stands in such a run. A tagger that has learnt from books, where single letters are
initials, proposes some.
"""

from collections.abc import Iterator, Sequence

from asr.display.inverse import DIGITS

SHORTEST = 3
"""The fewest letters and digits of a run: two may be the end of a sentence and the next one's
beginning, as in "plan b. I agree"."""


def without_inner_marks(
    words: Sequence[str], marks: Sequence[str], cases: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the marks and cases (n,) of ``words`` (n,) with no mark inside a run of single letters
    and digits; no sentence begins behind one that was left out.

    >>> without_inner_marks(["plan", "b", "c", "d"], ["", ".", "", "."], ["lower"] * 4)[0]
    ('', '', '', '.')
    >>> without_inner_marks(["plan", "b", "i", "go"], ["", ".", "", "."], ["lower"] * 4)[0]
    ('', '.', '', '.')
    """
    kept, written = list(marks), list(cases)
    for first, last in _runs(words):
        for place in range(first, last - 1):
            if kept[place] and written[place + 1] == "capital":
                written[place + 1] = "lower"
            kept[place] = ""
    return tuple(kept), tuple(written)


def _runs(words: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield the first and last (exclusive) place of each run."""
    first = 0
    for place in range(len(words) + 1):
        if place == len(words) or not _is_symbol(words[place]):
            if place - first >= SHORTEST:
                yield first, place
            first = place + 1


def _is_symbol(word: str) -> bool:
    return word in DIGITS or (len(word) == 1 and "a" <= word <= "z")

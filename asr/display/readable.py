"""The readable form of recognised words: a tagger and the rules of its language together."""

from collections.abc import Sequence

from asr.display.dictated import without_inner_marks
from asr.display.tagger import Tagger
from asr.display.tokens import Token, to_tokens

FIGURES = ("en",)
"""The languages in which numbers and the like are written in figures."""

MEMORY = 32
"""The words before those of a part that the tagger reads as well."""


class Reader:
    """Turns the words of a recording, part by part, into the tokens of their readable form.

    A part depends on the words before it, and on none behind it, so that it is the same whether it
    is read while the recording goes on or later.
    """

    def __init__(self, tagger: Tagger) -> None:
        self.tagger = tagger
        self._words: list[str] = []
        self._pauses: list[float | None] = []
        self._begins = True

    def read(
        self, words: Sequence[str], pauses: Sequence[float | None] | None = None
    ) -> tuple[Token, ...]:
        """Return the tokens of the next ``words`` (n,), whose spans are all words in order.

        Args:
            pauses: the seconds (n,) of silence after each word, None where that is not known.
        """
        if not words:
            return ()
        before = len(self._words)
        self._words += words
        self._pauses += [None] * len(words) if pauses is None else pauses
        tags = self.tagger.tag(self._words, self._pauses)
        marks, cases = tags.marks[before:], tags.cases[before:]
        figures = self.tagger.language in FIGURES
        if figures:
            marks, cases = without_inner_marks(words, marks, cases)
        tokens = to_tokens(words, marks, cases, self.tagger.mixed, figures, self._begins)
        self._begins = marks[-1] == "."
        del self._words[:-MEMORY], self._pauses[:-MEMORY]
        return tokens

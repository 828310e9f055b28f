"""The readable form of recognised words: a tagger and the rules of its language together."""

from collections.abc import Sequence

from asr.display.dictated import without_inner_marks
from asr.display.tagger import Tagger
from asr.display.tokens import Token, to_tokens

FIGURES = ("en",)
"""The languages in which numbers and the like are written in figures."""

MEMORY = 32
"""The words before those of a part that the tagger reads as well."""

Part = tuple[Sequence[str], Sequence[float | None]]
"""The words of a part of a recording, and the seconds of silence after each, None where that is not
known."""


class Reader:
    """Turns the words of a recording, part by part, into the tokens of their readable form.

    The tagger reads the words before a part too, and those behind it if they are known.
    """

    def __init__(self, tagger: Tagger) -> None:
        self.tagger = tagger
        self._words: list[str] = []
        self._pauses: list[float | None] = []
        self._begins = True

    def read(self, parts: Sequence[Part], behind: Part = ((), ())) -> list[tuple[Token, ...]]:
        """Return the tokens of each of the next ``parts``, whose spans are all its words in order.

        No token goes across the end of a part. ``behind`` is what follows them, as far as it is
        known; its words are read as words of a part later.
        """
        first = len(self._words)
        words = [*self._words, *(word for part, _ in parts for word in part)]
        pauses = [*self._pauses, *(pause for _, part in parts for pause in part)]
        if len(words) == first:
            return [()] * len(parts)
        tags = self.tagger.tag([*words, *behind[0]], [*pauses, *behind[1]])
        mixed, figures = self.tagger.mixed, self.tagger.language in FIGURES
        read = []
        for part, _ in parts:
            last = first + len(part)
            marks, cases = tags.marks[first:last], tags.cases[first:last]
            if figures:
                marks, cases = without_inner_marks(part, marks, cases)
            read.append(to_tokens(part, marks, cases, mixed, figures, self._begins))
            if marks:
                self._begins = marks[-1] == "."
            first = last
        self._words, self._pauses = words[-MEMORY:], pauses[-MEMORY:]
        return read

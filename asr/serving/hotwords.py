"""The hot words of clients, which are kept few and short: each letter of one costs time."""

from collections.abc import Iterable

from asr.text import Vocabulary

MOST_LETTERS = 10_000
"""The letters of all hot words of a client."""

LONGEST = 100
"""The letters of the longest hot word."""


def usable_hotwords(words: Iterable[str], vocabulary: Vocabulary) -> tuple[str, ...]:
    """Return the words that can be spelled with a vocabulary, each once, up to the limits.

    >>> usable_hotwords(["six", "№", "Six", "", 101 * "i"], Vocabulary.from_characters(" isx"))
    ('six',)
    """
    usable: dict[str, None] = {}
    letters = 0
    for given in words:
        if len(given) > LONGEST:
            continue
        word = vocabulary.normalize(given)
        if not word or word in usable or vocabulary.unknown_characters(word):
            continue
        letters += len(word)
        if letters > MOST_LETTERS:
            break
        usable[word] = None
    return tuple(usable)

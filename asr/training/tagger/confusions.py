"""Words that a recogniser may write in place of others: similar words, and misspellings."""

from collections import defaultdict
from collections.abc import Sequence

from asr.training.seeding import rng

COUNT = 8
"""The confusions of each word; half of them, at most, are real words."""

HESITATIONS = ("uh", "um", "er", "ah", "mm")

SOUNDS = (
    ("ough", "of"), ("igh", "i"), ("ph", "f"), ("ck", "k"), ("wh", "w"), ("kn", "n"), ("wr", "r"),
    ("qu", "kw"), ("x", "ks"), ("gh", ""), ("c", "k"), ("z", "s"), ("j", "g"), ("v", "f"),
    ("d", "t"), ("b", "p"), ("'", ""),
)  # fmt: skip
"""Spellings, and what they sound like."""

SWAPS = {
    "a": "eou", "e": "ia", "i": "ey", "o": "ua", "u": "oa", "y": "i", "c": "ks", "k": "c",
    "s": "cz", "z": "s", "t": "d", "d": "t", "b": "p", "p": "b", "v": "f", "f": "v", "g": "j",
    "m": "n", "n": "m",
}  # fmt: skip
"""The letters that are written in place of each."""


def skeleton(word: str) -> str:
    """Return the consonants of a word roughly as they sound; similar words have the same.

    >>> skeleton("knight"), skeleton("night"), skeleton("need")
    ('nt', 'nt', 'nt')
    """
    for spelling, sound in SOUNDS:
        word = word.replace(spelling, sound)
    consonants = [letter for letter in word if letter not in "aeiouyh"]
    return "".join(
        letter
        for index, letter in enumerate(consonants)
        if not index or letter != consonants[index - 1]
    )


def misspell(word: str, seed: int, number: int) -> str:
    """Return a word with one letter or two swapped, left out or doubled."""
    draw = rng(seed, word, number, "misspelling")
    letters = list(word)
    for _ in range(1 + (len(word) > 4 and draw.random() < 0.4)):
        place = int(draw.integers(len(letters)))
        letter = letters[place]
        kind = draw.random()
        if kind < 0.6 and letter in SWAPS:
            letters[place] = SWAPS[letter][int(draw.integers(len(SWAPS[letter])))]
        elif kind < 0.85 and len(letters) > 2:
            del letters[place]
        else:
            letters.insert(place, letter)
    return "".join(letters)


def confusions(words: Sequence[str], counts: Sequence[int], seed: int) -> list[list[str]]:
    """Return :data:`COUNT` confusions of each word: the most frequent words with its skeleton and
    nearly its length, and misspellings."""
    groups: dict[str, list[int]] = defaultdict(list)
    for index, word in enumerate(words):
        groups[skeleton(word)].append(index)
    for group in groups.values():
        group.sort(key=lambda index: -counts[index])
    rows = []
    for index, word in enumerate(words):
        similar: list[str] = []
        for other in groups[skeleton(word)][:40]:
            if other != index and abs(len(words[other]) - len(word)) <= 2:
                similar.append(words[other])
        row = similar[: COUNT // 2]
        row += [misspell(word, seed, number) for number in range(COUNT - len(row))]
        rows.append(row)
    return rows

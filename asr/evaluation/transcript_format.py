"""The format of a file of transcripts: from its name, if its content does not look like another."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from asr.errors import DataError
from asr.evaluation.formats import DESCRIPTIONS, FORMATS
from asr.evaluation.nist import COMMENTS, TRN
from asr.evaluation.text_formats import ARROW, HEAD

SUFFIXES = {f".{name}": name for name in FORMATS if name != "kaldi"} | {".jsonl": "json"}
KALDI_NAMES = ("text", ".trans.txt")
"""The name of Kaldi's file, and the ending of LibriSpeech's, which have the same format."""
LOOKED_AT = 2000
"""The number of lines at the beginning that are looked at."""
_ID = re.compile(r"(?=.*\d)(?=.*[^\W\d]).+|\w.*[-_/].*\w|\d{3,}")
"""What an id of Kaldi's looks like: digits and letters, parts with a mark between, or a number."""


def find_format(path: Path, lines: Sequence[str], option: str) -> str:
    """Return the format of a file, one of :data:`FORMATS`.

    Raises:
        DataError: the name does not tell it, or the content looks like another; ``option`` is the
            one that the message names.
    """
    known = SUFFIXES.get(path.suffix.lower())
    if path.name.lower() == KALDI_NAMES[0] or path.name.lower().endswith(KALDI_NAMES[1]):
        known = "kaldi"
    looks = guess(lines)
    if path.suffix.lower() == ".csv":
        raise DataError(
            f"{path}: tables with commas are not read; write JSON Lines with the fields id and text"
        )
    if known is None:
        raise DataError(
            f"{path}: the name does not tell the format; it looks like {DESCRIPTIONS[looks]}: if "
            f"so, say {option} {looks}; formats are {', '.join(FORMATS)}"
        )
    possible = {"txt": ("txt",), "kaldi": ("kaldi", "txt")}.get(known, FORMATS)
    if looks not in possible:
        raise DataError(
            f"{path}: the name stands for {DESCRIPTIONS[known]}, but it looks like "
            f"{DESCRIPTIONS[looks]}; say {option} {looks} or {option} {known}"
        )
    return known


def guess(lines: Sequence[str]) -> str:
    """Return the format that most lines look like.

    >>> guess(["yes no (ann-1)", "stop (ann-2)"]), guess(["yes no", "stop"])
    ('trn', 'txt')
    """
    some = [line for line in lines[:LOOKED_AT] if line.strip()]
    if not some:
        return "txt"
    if some[0].startswith("WEBVTT"):
        return "vtt"
    if some[0].lower().split("\t") == HEAD:
        return "tsv"
    if any(ARROW.fullmatch(line) for line in some[:4]):
        return "srt"
    if some[0].lstrip().startswith(("{", "[{")):
        return "json"
    some = [line for line in some if not line.startswith(COMMENTS)]
    tests: dict[str, Callable[[list[str]], bool]] = {
        "trn": lambda fields: TRN.fullmatch(" ".join(fields)) is not None,
        "stm": lambda fields: len(fields) >= 5 and _are_times(fields[0], fields[3:5]),
        "ctm": lambda fields: len(fields) >= 5 and _are_times(fields[0], fields[2:4]),
    }
    for name, test in tests.items():
        if 2 * sum(test(line.split()) for line in some) > len(some):
            return name
    return "kaldi" if _looks_like_kaldi(some) else "txt"


def _are_times(name: str, fields: Sequence[str]) -> bool:
    numbers = all(re.fullmatch(r"\d*\.?\d+", field) for field in fields)
    return numbers and (any("." in field for field in fields) or not name.isdecimal())


def _looks_like_kaldi(lines: Sequence[str]) -> bool:
    first = first_words(lines)
    alike = sum(_ID.fullmatch(word) is not None for word in first)
    if len(lines) < 2:
        return bool(first) and re.fullmatch(r"\w+[-_/].*\d.*|\w*\d\w*[-_/].*", first[0]) is not None
    return len(set(first)) == len(first) and 10 * alike > 9 * len(first)


def first_words(lines: Sequence[str]) -> list[str]:
    """Return the first word of each line that has one."""
    return [line.split(maxsplit=1)[0] for line in lines if line.strip()]

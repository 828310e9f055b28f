"""Files for NIST's sclite: trn, ctm and stm in which every character means itself.

sclite gives some characters a meaning: ``{ / }`` alternatives, ``@`` no word, ``( )`` a word that
may be missing, ``;`` a comment or a weight, ``*`` at the end of a word nothing, ``\\`` an escape
(which it has for ``;`` alone), ``<`` a mark in ctm and stm. In all files each stands as a character
of its own in the private use area, :data:`MEANT` above its code: words that are equal or differ do
so still, their number and their letters' too. :func:`unescaped` puts them back.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote, unquote

from asr.errors import DataError

MEANT = 0xF000
SPECIAL = [*map(chr, range(32)), *r"{}()@;*\<", "\x7f"]
ESCAPES = {ord(character): MEANT + ord(character) for character in SPECIAL}
ORIGINALS = {place: code for code, place in ESCAPES.items()}

UNKNOWN = "unknown"
"""Who speaks where no speaker is known."""

SAFE = "/:,+=@!'&$|^[]?"
"""Besides letters, digits and ``_.-~``; other characters of an id would end it, or begin a
comment."""


def escaped(text: str, id: str) -> str:
    """A normalised text as sclite takes it for itself; ``id`` is for the message.

    Raises:
        DataError: it holds a character that stands for another.

    >>> escaped("a {b}", "u1") == "a \\uf07bb\\uf07d"
    True
    """
    for character in text:
        if ord(character) in ORIGINALS:
            raise DataError(
                f"{id}: U+{ord(character):04X} in its text stands for "
                f"{chr(ORIGINALS[ord(character)])!r} in files for sclite; take this character of "
                "the private use area out of the text"
            )
    return text.translate(ESCAPES)


def unescaped(text: str) -> str:
    """The inverse of :func:`escaped`.

    >>> unescaped("a \\uf07bb\\uf07d")
    'a {b}'
    """
    return text.translate(ORIGINALS)


def sclite_ids(utterances: Sequence[dict[str, Any]]) -> list[str]:
    """``speaker-utterance`` of each, without characters that break an id, no two alike for sclite,
    which does not tell capitals from small letters.

    Such characters, and capitals of names that differ in nothing else, stand as ``%`` and two
    hexadecimal digits for each byte of UTF-8, in speakers ``-`` too: :func:`speaker_of` finds them.
    """
    # UNKNOWN is among the names, so that another with its letters gets its capitals escaped.
    speakers = _safe_names([UNKNOWN, *(item["speaker"] for item in utterances if item["speaker"])])
    speakers = {name: safe.replace("-", "%2D") for name, safe in speakers.items()}
    speakers[UNKNOWN] = "%75nknown"
    names = _safe_names(item["id"] for item in utterances)
    return [
        f"{speakers[item['speaker']] if item['speaker'] else UNKNOWN}-{names[item['id']]}"
        for item in utterances
    ]


def _safe_names(names: Iterable[str]) -> dict[str, str]:
    distinct = dict.fromkeys(names)
    count = Counter(name.lower() for name in distinct)
    return {
        name: "".join(
            f"%{ord(character):02X}"
            if count[name.lower()] > 1 and "A" <= character <= "Z"
            else quote(character, safe=SAFE)
            for character in name
        )
        for name in distinct
    }


def speaker_of(id: str) -> str | None:
    """The speaker in an id of a trn file; None where it names none."""
    speaker, dash, _ = id.partition("-")
    return unquote(speaker) if dash and speaker != UNKNOWN else None


def trn(utterances: Sequence[dict[str, Any]], key: str) -> str:
    """A text and ``(speaker-utterance)`` a line; ``key`` is ``reference`` or ``hypothesis``."""
    ids = sclite_ids(utterances)
    return "".join(
        f"{escaped(item[key], item['id'])} ({id})\n"
        for item, id in zip(utterances, ids, strict=True)
    )


def has_words(utterances: Sequence[dict[str, Any]]) -> bool:
    """Whether the utterances carry the times of their words.

    Raises:
        DataError: some do, others do not.
    """
    timed = [item for item in utterances if item.get("words") is not None]
    if timed and len(timed) < len(utterances):
        lone = next(item for item in utterances if item.get("words") is None)
        raise DataError(
            f"{lone['id']} has no times of its words, {timed[0]['id']} has; needs all or none"
        )
    return bool(timed)


def ctm(utterances: Sequence[dict[str, Any]]) -> str:
    """The words of the hypotheses, one a line: id, channel, start and duration in seconds, word,
    confidence. ``words`` of an utterance are ``[start, end, confidence]`` of each.

    Raises:
        DataError: other than one for each word, or not in order.
    """
    lines = []
    for item, id in zip(utterances, sclite_ids(utterances), strict=True):
        texts = escaped(item["hypothesis"], item["id"]).split()
        if len(texts) != len(item["words"]):
            raise DataError(
                f"{item['id']}: {len(texts)} words but {len(item['words'])} times of words; needs "
                "one for each"
            )
        before = 0.0
        for text, (start, end, confidence) in zip(texts, item["words"], strict=True):
            if not before <= start <= end:
                raise DataError(
                    f"{item['id']}: a word from {start} to {end} s after one at {before} s; needs "
                    "times in order"
                )
            lines.append(f"{id} 1 {start:.3f} {end - start:.3f} {text} {confidence:.3f}\n")
            before = start
    return "".join(lines)


def stm(utterances: Sequence[dict[str, Any]]) -> str:
    """The references as segments, without which sclite scores no ctm: id, channel, speaker, start
    and end in seconds, text. A segment holds all words of the hypothesis."""
    lines = []
    for item, id in zip(utterances, sclite_ids(utterances), strict=True):
        end = max([item.get("duration") or 0.0, *(end for _, end, _ in item["words"])])
        text = escaped(item["reference"], item["id"])
        lines.append(f"{id} 1 {id.partition('-')[0]} 0.000 {end + 0.001:.3f} {text}\n")
    return "".join(lines)

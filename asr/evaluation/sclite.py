"""Files for NIST's sclite: trn, ctm and stm, in which every character of a text stands for itself.

sclite gives some characters a meaning: ``{ / }`` are alternatives, ``@`` is no word, ``( )`` is a
word that may be missing, ``;`` begins a comment or a weight, ``*`` at the end of a word is dropped,
``\\`` is an escape (but for ``;`` alone), and ``<`` is a mark in ctm and stm. So these files hold
other characters instead, which lie :data:`OFFSET` above them, in the private use area of Unicode.
Words that are equal stay equal, words that differ stay different, and the numbers of words and
letters stay the same. :func:`unescaped` restores the characters.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote, unquote

from asr.errors import DataError

OFFSET = 0xF000
SPECIAL = [*map(chr, range(32)), *r"{}()@;*\<", "\x7f"]
ESCAPES = {ord(character): OFFSET + ord(character) for character in SPECIAL}
ORIGINALS = {place: code for code, place in ESCAPES.items()}

UNKNOWN = "unknown"
"""The speaker of utterances whose speaker is not known."""

SAFE = "/:,+=@!'&$|^[]?"
"""The characters that may stand in an id besides letters, digits and ``_.-~``; others would end the
id, or begin a comment."""


def escaped(text: str, id: str) -> str:
    """Replace the characters of a normalised text that have a meaning for sclite; ``id`` is for the
    message.

    Raises:
        DataError: the text holds one of the characters that stand for others.

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
    """Restore the characters that :func:`escaped` replaced.

    >>> unescaped("a \\uf07bb\\uf07d")
    'a {b}'
    """
    return text.translate(ORIGINALS)


def sclite_ids(utterances: Sequence[dict[str, Any]]) -> list[str]:
    """Return an id ``speaker-utterance`` for each utterance, no two of which are equal for sclite,
    which does not distinguish capitals from small letters.

    Characters that would break an id, and the capitals of names that differ in nothing else, stand
    as ``%`` and two hexadecimal digits for each byte of UTF-8; so does ``-`` in the names of
    speakers, so that :func:`speaker_of` can find them.
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
    distinct = {name: name.lower() for name in names}
    count = Counter(distinct.values())
    return {
        name: "".join(map(_capitals_escaped, name)) if count[low] > 1 else quote(name, safe=SAFE)
        for name, low in distinct.items()
    }


def _capitals_escaped(character: str) -> str:
    return f"%{ord(character):02X}" if "A" <= character <= "Z" else quote(character, safe=SAFE)


def speaker_of(id: str) -> str | None:
    """Return the speaker in an id of a trn file, None if it names none.

    >>> speaker_of("ann-u1"), speaker_of("unknown-u1")
    ('ann', None)
    """
    speaker, dash, _ = id.partition("-")
    return unquote(speaker) if dash and speaker != UNKNOWN else None


def trn(utterances: Sequence[dict[str, Any]], key: str) -> str:
    """Return a trn file: in each line a text and ``(speaker-utterance)``; ``key`` is "reference" or
    "hypothesis".

    >>> trn([{"id": "u1", "speaker": "ann", "reference": "yes no"}], "reference")
    'yes no (ann-u1)\\n'
    """
    ids = sclite_ids(utterances)
    return "".join(
        f"{escaped(item[key], item['id'])} ({id})\n"
        for item, id in zip(utterances, ids, strict=True)
    )


def has_words(utterances: Sequence[dict[str, Any]]) -> bool:
    """Return whether the utterances have the times of their words.

    Raises:
        DataError: some have them, others do not.
    """
    timed = [item for item in utterances if item.get("words") is not None]
    if timed and len(timed) < len(utterances):
        lone = next(item for item in utterances if item.get("words") is None)
        raise DataError(
            f"{lone['id']} has no times of its words, {timed[0]['id']} has; needs all or none"
        )
    return bool(timed)


def ctm(utterances: Sequence[dict[str, Any]]) -> str:
    """Return a ctm file: in each line an id, a channel, start and duration in seconds, a word of
    the hypothesis, and its confidence.

    Args:
        utterances: with ``words``: ``[start, end, confidence]`` for each word of the hypothesis.

    Raises:
        DataError: the number of words is not that of the times, or times are not in order.
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
    """Return an stm file, without which sclite scores no ctm: in each line an id, a channel, a
    speaker, start and end in seconds, and a reference. The times span all words of the
    hypothesis."""
    lines = []
    for item, id in zip(utterances, sclite_ids(utterances), strict=True):
        end = max([item.get("duration") or 0.0, *(end for _, end, _ in item["words"])])
        text = escaped(item["reference"], item["id"])
        lines.append(f"{id} 1 {id.partition('-')[0]} 0.000 {end + 0.001:.3f} {text}\n")
    return "".join(lines)

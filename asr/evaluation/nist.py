"""Readers of NIST's formats trn, stm and ctm, which read them as sclite does.

A line that begins with ``;;`` or ``**`` is a comment. In words, ``;`` begins a weight, one ``*`` at
the end is dropped, and ``\\`` is left out. What is between ``{ }`` (alternatives), what is in
parentheses (words that may be missing) and ``@`` (no word) cannot be scored here and is refused.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from asr.evaluation.sclite import ORIGINALS, speaker_of, unescaped
from asr.evaluation.transcript_line import LineError, Lines, Place, TimedWord, TranscriptLine, add
from asr.text import normalize

TRN = re.compile(r"(.*?)\s*\(([^()\s]+)\)\s*")
COMMENTS = (";;", "**")
REFUSED = re.compile(r"[{}()]|(?:^|\s)@(?:\s|$)")
IGNORED = re.compile("ignore_?time_?segment_?in_?scoring", re.IGNORECASE)
"""The transcript of a stretch that is not scored."""
MARKED = re.compile(f"[;*\\\\{re.escape(''.join(map(chr, ORIGINALS)))}]")
"""The characters that :func:`_word` changes."""
NO_CONFIDENCE = "NA"
MOST_COLUMNS = 8
"""A line of ctm may name the type and the speaker of its word, too."""


def read_trn(lines: Sequence[str], reference: bool) -> Lines:
    """Read a text and ``(speaker-utterance)`` from each line."""
    result: Lines = {}
    for number, line in _without_comments(lines):
        match = TRN.fullmatch(line)
        if match is None:
            raise LineError(
                number, "needs a text and its id in parentheses at the end: yes no (ann-1)"
            )
        text = _words(match[1], number)
        add(result, number, match[2], TranscriptLine(text, speaker_of(match[2])))
    return result


def read_stm(lines: Sequence[str], reference: bool) -> Lines:
    """Read a segment from each line: recording, channel, speaker, start and end (s), maybe labels
    in angle brackets, and the text."""
    found: list[tuple[int, TranscriptLine]] = []
    for number, line in _without_comments(lines):
        fields = line.split(maxsplit=5)
        try:
            recording, channel, speaker = fields[:3]
            start, end = map(float, fields[3:5])
            if not 0 <= start <= end < float("inf"):
                raise ValueError
        except ValueError as error:
            raise LineError(
                number,
                "needs a recording, a channel, a speaker, start and end in seconds, and a text, "
                f"got {line.strip()!r}",
            ) from error
        text = fields[5] if len(fields) > 5 else ""
        if text.startswith("<"):
            text = text.partition(" ")[2] if " " in text else ""
        ignored = IGNORED.search(text) is not None
        place = Place(recording, channel, start, end)
        words = "" if ignored else _words(text, number)
        more = {"duration": round(end - start, 6)}
        found.append((number, TranscriptLine(words, speaker, more, place, scored=not ignored)))
    return _named(found)


def read_ctm(lines: Sequence[str], reference: bool) -> Lines:
    """Read a word from each line: recording, channel, start and duration (s), the word, and maybe
    its confidence, its type and its speaker."""
    words: dict[tuple[str, str], list[TimedWord]] = {}
    first: dict[tuple[str, str], tuple[int, Place]] = {}
    for number, line in _without_comments(lines):
        fields = line.split()
        if len(fields) > 4 and fields[4][0] == "<" and fields[4].upper().startswith("<ALT"):
            raise LineError(number, f"alternatives are not scored here, got {fields[4]!r}")
        try:
            recording, channel, start, duration, word, *rest = fields
            begin = float(start)
            end = begin + float(duration)
            no_confidence = not rest or rest[0].upper() == NO_CONFIDENCE
            confidence = None if no_confidence else float(rest[0])
            if not 0 <= begin <= end < float("inf") or len(fields) > MOST_COLUMNS:
                raise ValueError
        except ValueError as error:
            raise LineError(
                number,
                "needs an id, a channel, start and duration in seconds, a word "
                f"and maybe its confidence, got {line.strip()!r}",
            ) from error
        if word == "@" or word in "{}":
            raise LineError(number, f"{word!r} stands for alternatives or no word; leave it out")
        key = recording.lower(), channel.lower()
        if key not in words:
            first[key] = number, Place(recording, channel)
            words[key] = []
        words[key].append(TimedWord(begin, end, _word(word), confidence))
    if not words:
        raise LineError(0, "holds no word")
    return _named([(first[key][0], timed_line(first[key][1], words[key])) for key in words])


def timed_line(place: Place, words: Iterable[TimedWord]) -> TranscriptLine:
    """Return the line of these words, in the order of their times."""
    ordered = tuple(sorted(words, key=lambda word: word.start))
    text = normalize(" ".join(word.text for word in ordered))
    return TranscriptLine(text, place=place, words=ordered)


def divide(references: Lines, hypotheses: Lines) -> Lines:
    """Divide the words of a ctm between the segments of an stm, as sclite does: a word belongs to
    the first segment of its channel that ends after the middle of the word, or to the last.

    Words of channels that the stm does not have stay as they are.
    """
    left = {line.place.key[:2]: (id, line) for id, line in hypotheses.items() if line.place}
    segments: dict[tuple[str, str], list[tuple[str, Place]]] = {}
    for id, line in references.items():
        if line.place:
            segments.setdefault(line.place.key[:2], []).append((id, line.place))
    result: Lines = {}
    for key, places in segments.items():
        _, whole = left.pop(key, ("", None))
        words = list((whole and whole.words) or ())
        places.sort(key=lambda item: item[1].start or 0.0)
        for number, (id, place) in enumerate(places, start=1):
            count = 0
            if number == len(places):
                count = len(words)
            while count < len(words) and _middle(words[count]) < (place.end or 0.0):
                count += 1
            result[id] = timed_line(place, words[:count])
            del words[:count]
    others = {_with_channel(id, line): line for id, line in left.values()}
    return result | others


def _with_channel(id: str, line: TranscriptLine) -> str:
    """Return the id of a line whose place the other file does not have."""
    return f"{id} (channel {line.place.channel})" if line.place else id


def _middle(word: TimedWord) -> float:
    return (word.start + word.end) / 2


def _without_comments(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(lines, start=1):
        if line.strip() and not line.startswith(COMMENTS):
            yield number, line


def _words(text: str, number: int) -> str:
    if refused := REFUSED.search(text):
        raise LineError(
            number,
            f"{refused[0].strip()!r} stands for alternatives, optional words or no word, which are "
            "not scored here; write what was said",
        )
    return normalize(" ".join(map(_word, text.split())) if MARKED.search(text) else text)


def _word(word: str) -> str:
    """Return a word without its weight and its marks.

    >>> _word("yes;0.5"), _word("no*"), _word(r"ye\\s"), _word("*")
    ('yes', 'no', 'yes', '*')
    """
    if word.isalnum():
        return word  # as most words are
    word = word[0] + word[1:].partition(";")[0]
    word = word[0] + word[1:].removesuffix("*")
    return unescaped(word.replace("\\", "") or word)


def _named(found: Sequence[tuple[int, TranscriptLine]]) -> Lines:
    """Give ids to lines with a place: the name of the recording, as far as needed with its channel
    and times."""
    places = [line.place for _, line in found if line.place]
    channels: dict[str, set[str]] = {}
    for place in places:
        channels.setdefault(place.recording.lower(), set()).add(place.channel.lower())
    count = Counter(place.key[:2] for place in places)
    result: Lines = {}
    for number, line in found:
        assert line.place
        id = line.place.recording
        if len(channels[id.lower()]) > 1:
            id += f"-{line.place.channel}"
        if count[line.place.key[:2]] > 1:
            id += f"-{line.place.start:.3f}-{line.place.end:.3f}"
            if id in result:
                id += f"-{line.speaker}"
        add(result, number, id, line)
    return result

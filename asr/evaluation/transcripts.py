"""References and the output of any recogniser, read from files and paired."""

import hashlib
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from asr.counts import counted
from asr.errors import DataError
from asr.evaluation.formats import FORMATS, WITHOUT_IDS
from asr.evaluation.nist import divide, read_ctm, read_stm, read_trn
from asr.evaluation.text_formats import (
    Reader,
    read_json,
    read_kaldi,
    read_plain,
    read_srt,
    read_tsv,
    read_vtt,
)
from asr.evaluation.transcript_format import find_format, first_words
from asr.evaluation.transcript_line import LineError, Lines, TranscriptLine
from asr.files import decode_text, read_content, split_lines

READERS: Mapping[str, Reader] = {
    "txt": read_plain,
    "trn": read_trn,
    "ctm": read_ctm,
    "stm": read_stm,
    "kaldi": read_kaldi,
    "json": read_json,
    "srt": read_srt,
    "vtt": read_vtt,
    "tsv": read_tsv,
}
"""The reader of each of :data:`asr.evaluation.formats.FORMATS`."""
STANDARD_INPUT = "-"
DOUBTFUL = 3
"""The least number of lines whose first words, if they differ, may be ids rather than words."""


@dataclass(frozen=True)
class Transcripts:
    """The utterances of a file, its ``text`` line by line, and the SHA-256 of its content;
    ``certain`` says that somebody named the format."""

    path: Path
    format: str
    lines: Lines
    text: tuple[str, ...]
    certain: bool
    sha256: str


def read_transcripts(path: str | Path, reference: bool, format: str | None = None) -> Transcripts:
    """Read the texts of a file.

    The suffix tells the format, unless the content looks like another: ``.trn`` has a text and
    ``(speaker-utterance)`` in each line, ``.ctm`` a word and ``.stm`` a segment, as NIST defined
    them, ``.jsonl`` and ``.json`` are manifests or the output of ``asr transcribe -f json`` or of
    NeMo, ``text`` is Kaldi's, ``.srt``, ``.vtt`` and ``.tsv`` (as Whisper writes it) are all of one
    recording, and ``.txt`` has a text in each line, whose id is the number of the line.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "hyp.trn")
    ...     _ = path.write_text("Yes no (ann-u1)\\nstop (bob-u2)\\n")
    ...     texts = read_transcripts(path, reference=False).lines
    >>> texts["ann-u1"].text, texts["ann-u1"].speaker
    ('yes no', 'ann')

    Args:
        path: of the file, which may be a pipe; ``-`` is standard input. It is read once.
        reference: whether the texts are references, for which JSON has the field ``text`` alone.
        format: of the file, if its name does not tell.

    Raises:
        DataError: the file cannot be read, its format is not certain, a line is not of its format,
            or an id occurs twice.
    """
    if format is not None and format not in FORMATS:
        raise DataError(f"the format {format!r} is not known; needs one of {', '.join(FORMATS)}")
    path, certain = Path(path), format is not None
    content = _read(path)
    lines = split_lines(decode_text(content, path, "text"))
    if format is None:
        format = find_format(path, lines, "--ref-format" if reference else "--hyp-format")
    try:
        found = READERS[format](lines, reference)
    except LineError as error:
        place = f"{path}:{error.number}" if error.number else str(path)
        raise DataError(f"{place}: {error}") from error
    if not found:
        raise DataError(f"{path}: holds no text")
    digest = hashlib.sha256(content).hexdigest()
    return Transcripts(path, format, found, tuple(lines), certain, digest)


def _read(path: Path) -> bytes:
    if str(path) != STANDARD_INPUT:
        return read_content(path, "text")
    stream = getattr(sys.stdin, "buffer", None)
    if stream is None:
        raise DataError("cannot read the text from standard input: it is closed")
    content: bytes = stream.read()
    return content


def pair_transcripts(references: Transcripts, hypotheses: Transcripts) -> list[dict[str, Any]]:
    """Return id, speaker, reference and hypothesis of every utterance, and what else is known of
    it.

    They are paired by the stretch of the recording if both files are ctm or stm, else by their ids,
    and by the numbers of lines if neither has ids. A hypothesis that a ctm does not list is one
    without words.

    Raises:
        DataError: an utterance is in one of both alone, or one file has ids and the other has none.
    """
    found = _find(references, hypotheses)
    scored = {id: line for id, line in references.lines.items() if line.scored}
    if not scored:
        raise DataError(f"{references.path}: all its segments are left out of the scoring")
    words = {id: _word_times(line) for id, line in found.items()}
    timed = hypotheses.format == "ctm" and all(item is not None for item in words.values())
    return [
        {
            "id": id,
            "speaker": line.speaker,
            "reference": line.text,
            "hypothesis": found[id].text if id in found else "",
            "written": (line.written, found[id].written if id in found else ""),
            **line.more,
            **({"words": words.get(id) or []} if timed else {}),
        }
        for id, line in scored.items()
    ]


def _find(references: Transcripts, hypotheses: Transcripts) -> Lines:
    """Return the hypothesis of each reference that has one, by the id of the reference."""
    if (references.format in WITHOUT_IDS) != (hypotheses.format in WITHOUT_IDS) or {
        references.format,
        hypotheses.format,
    } & {*WITHOUT_IDS[1:]}:
        return _only(references, hypotheses)
    _check_plain(references, hypotheses)
    known = references.lines
    lines = hypotheses.lines
    if hypotheses.format == "ctm" and references.format == "stm":
        lines = divide(known, lines)
    elif all(line.place for line in (*known.values(), *lines.values())):
        by_place = {line.place.key: id for id, line in known.items() if line.place}
        lines = {
            by_place.get(line.place.key, f"{id} (channel {line.place.channel})"): line
            for id, line in lines.items()
            if line.place
        }
    elif {references.format, hypotheses.format} & {"trn", "ctm", "stm"}:
        lines = _in_case_of(known, lines)
    lone = set(lines.keys() - known.keys())
    if hypotheses.format != "ctm":
        lone |= {id for id in known.keys() - lines.keys() if known[id].scored}
    if lone:
        example = min(lone)
        side = "reference" if example in known else "hypothesis"
        raise DataError(
            f"{counted(len(lone), 'utterance')} in one file alone: {example!r}, for example, "
            f"is only a {side}; needs the same ids in both ({counted(len(known), 'reference')}, "
            f"{len(lines)} {'hypothesis' if len(lines) == 1 else 'hypotheses'})"
        )
    return lines


def _only(references: Transcripts, hypotheses: Transcripts) -> Lines:
    """Pair the only utterances of two files, of which one has no ids."""
    sizes = [len(item.lines) for item in (references, hypotheses)]
    if sizes != [1, 1]:
        facts = " and ".join(
            f"{item.path} holds {counted(len(item.lines), 'utterance')} of the format "
            f"{item.format}, which has {'no ids' if item.format in WITHOUT_IDS else 'ids'}"
            for item in (references, hypotheses)
        )
        raise DataError(
            f"{facts}: nothing says which belong together; needs ids in both, or one utterance in "
            "each (if a format is another, say so with --ref-format or --hyp-format)"
        )
    (id,), (line,) = references.lines, hypotheses.lines.values()
    return {id: line}


def _check_plain(references: Transcripts, hypotheses: Transcripts) -> None:
    if not _begin_alike(references, hypotheses):
        return
    firsts = [first_words(item.text) for item in (references, hypotheses)]
    if firsts[0] != firsts[1]:
        raise DataError(
            f"{references.path} and {hypotheses.path} look like Kaldi's text: their lines begin "
            "with the same words in another order; say --ref-format kaldi --hyp-format kaldi, or "
            "txt if these words are no ids"
        )


def doubt(references: Transcripts, hypotheses: Transcripts) -> str | None:
    """Return a warning if it is not certain that two plain texts have no ids, else None.

    There is no doubt with fewer than :data:`DOUBTFUL` lines, nor if one of their first words occurs
    elsewhere, as an id does not.
    """
    if len(references.lines) < DOUBTFUL or not _begin_alike(references, hypotheses):
        return None
    text = [line.split()[1:] for item in (references, hypotheses) for line in item.text]
    if not set(first_words(references.text)).isdisjoint(chain.from_iterable(text)):
        return None
    return (
        f"each line of {references.path} and {hypotheses.path} begins with a word that is nowhere "
        "else: if these words are ids, say --ref-format kaldi --hyp-format kaldi, and txt if they "
        "are not; they were scored as words"
    )


def _begin_alike(references: Transcripts, hypotheses: Transcripts) -> bool:
    """Return whether two plain texts, of which nobody said so, may be Kaldi's: their lines begin
    with the same words, in any order, no two of a file with the same, and have others."""
    if not references.format == hypotheses.format == "txt":
        return False
    if references.certain and hypotheses.certain:
        return False
    one, two = (first_words(item.text) for item in (references, hypotheses))
    return (
        len(one) > 1
        and len(set(one)) == len(one)
        and sorted(one) == sorted(two)
        and any(len(line.split()) > 1 for line in references.text)
    )


def _in_case_of(references: Lines, hypotheses: Lines) -> Lines:
    """Return hypotheses by the ids of references where these differ in nothing but capitals, which
    do not count in NIST's formats."""
    lone: dict[str, list[str]] = {}
    for id in references.keys() - hypotheses.keys():
        lone.setdefault(id.lower(), []).append(id)
    others = Counter(id.lower() for id in hypotheses.keys() - references.keys())
    names = {low: ids[0] for low, ids in lone.items() if len(ids) == others[low] == 1}
    return {
        id if id in references else names.get(id.lower(), id): line
        for id, line in hypotheses.items()
    }


def _word_times(line: TranscriptLine) -> list[list[float]] | None:
    """Return start, end and confidence of each word; None if a confidence is not known."""
    result = []
    for word in line.words or ():
        if word.confidence is None or not 0 <= word.confidence <= 1:
            return None
        result.append([word.start, word.end, word.confidence])
    return result

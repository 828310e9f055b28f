"""Validation of manifests and of the audio that they list."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from asr.audio.probe import Probe, decode, probe
from asr.audio.read import MAX_READ_SECONDS, MAX_STREAMED_SECONDS
from asr.counts import counted
from asr.data.manifest import (
    DURATION_TOLERANCE,
    Problem,
    Utterance,
    fits,
    scan_manifest,
    unknown_characters,
)
from asr.errors import AudioError
from asr.files import to_json
from asr.prefetch import prefetch_map
from asr.text import Vocabulary

SHOWN = 50
"""The number of problems that are printed on a terminal."""
_BATCH = 32  # files that a thread takes at a time
_WAITING = 8  # batches that wait for each thread


@dataclass(frozen=True)
class Validation:
    """The ``utterances`` and the ``problems`` of a manifest, both in its order, and the number of
    its recordings by rate (Hz) and channels (``formats``)."""

    path: Path
    utterances: list[Utterance]
    problems: list[Problem]
    formats: Counter[tuple[int, int]]

    @property
    def summary(self) -> str:
        """The numbers of utterances, minutes, recordings by format, and problems, in one line."""
        seconds = sum(item.duration for item in self.utterances)
        formats = "".join(
            f"{count} at {rate} Hz{'' if channels == 1 else f' with {channels} channels'}, "
            for (rate, channels), count in self.formats.most_common()
        )
        return (
            f"{self.path}: {counted(len(self.utterances), 'utterance')}, {seconds / 60:.2f} "
            f"min, {formats}"
            f"{counted(len(self.problems), 'problem')}"
        )


def validate(
    path: str | Path,
    vocabulary: Vocabulary | None = None,
    num_frames: Callable[[float], int] | None = None,
    decoded: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Validation:
    """Check a manifest and the audio that it lists, on as many threads as there are processors.

    The kinds of problems are ``line`` and ``id`` (:func:`asr.data.manifest.scan_manifest`),
    ``audio`` that cannot be read, ``truncated`` or damaged audio, and a ``duration`` that is not
    the audio's; with a ``vocabulary`` also ``characters`` outside it, and with ``num_frames`` also
    the ``length`` of texts that do not fit in their audio.

    Args:
        path: of the manifest.
        vocabulary: that of the model which is to be trained or evaluated.
        num_frames: maps seconds to frames of the encoder.
        decoded: whether all audio is decoded; otherwise only its headers are read.
        progress: is called with the number of utterances done and of all.

    Raises:
        DataError: the manifest itself cannot be read.
    """
    path = Path(path)
    utterances, problems = scan_manifest(path)
    if vocabulary is not None:
        problems += unknown_characters(path, utterances, vocabulary)
    flawed = {problem.line for problem in problems if problem.kind == "characters"}
    formats: Counter[tuple[int, int]] = Counter()
    done = 0
    for groups, findings in _look_ahead(utterances, decoded):
        for items, whole in zip(groups, findings, strict=True):
            if isinstance(whole, AudioError):
                problems += [Problem(path, x.line, "audio", str(whole), x.id) for x in items]
                continue
            formats[whole.rate, whole.channels] += len(items)
            for warning in whole.warnings:
                message = f"{items[0].audio}: {warning}"
                problems.append(Problem(path, items[0].line, "truncated", message, items[0].id))
            for item in items:
                held = _held(item, whole.duration)
                if message := _wrong_duration(item, held):
                    problems.append(Problem(path, item.line, "duration", message, item.id))
                if vocabulary is None or num_frames is None or item.line in flawed:
                    continue
                if not fits(item, vocabulary, num_frames):
                    message = f"{len(item.text)} characters do not fit in {held:.3f} s of audio"
                    problems.append(Problem(path, item.line, "length", message, item.id))
        done += sum(map(len, groups))
        progress(done, len(utterances))
    return Validation(path, utterances, sorted(problems, key=lambda x: x.line), formats)


def to_json_lines(problems: Iterable[Problem]) -> str:
    """Return problems as JSON Lines with the fields path, line, id, kind and message."""
    return "".join(
        to_json(
            {
                "path": str(problem.path),
                "line": problem.line,
                "id": problem.id,
                "kind": problem.kind,
                "message": problem.message,
            }
        )
        + "\n"
        for problem in problems
    )


def count_kinds(problems: Iterable[Problem]) -> list[str]:
    """Return a line for each kind of problem, the most frequent first, with the number of problems
    in each manifest."""
    kinds: dict[str, Counter[Path]] = {}
    for problem in problems:
        kinds.setdefault(problem.kind, Counter())[problem.path] += 1
    return [
        f"{kind}: {paths.total()} ({', '.join(f'{n} in {path}' for path, n in paths.items())})"
        for kind, paths in sorted(kinds.items(), key=lambda pair: -pair[1].total())
    ]


def _held(item: Utterance, duration: float) -> float:
    """Return how many seconds of an utterance a recording of this ``duration`` (s) holds."""
    if item.offset is None:
        return duration
    return max(0.0, min(item.duration, duration - item.offset))


def _wrong_duration(item: Utterance, held: float) -> str:
    """Return what is wrong with the duration of an utterance; an empty text if nothing is."""
    if abs(held - item.duration) <= DURATION_TOLERANCE:
        return ""
    if item.offset is None:
        return f"duration is {item.duration:.3f} s here, the audio has {held:.3f} s"
    end = item.offset + item.duration
    return (
        f"it lies from {item.offset:.3f} to {end:.3f} s, the audio has {held:.3f} s of this piece"
    )


def _look_ahead(
    utterances: Sequence[Utterance], decoded: bool
) -> Iterable[tuple[list[list[Utterance]], list[Probe | AudioError]]]:
    """Yield batches of utterances, the pieces of a recording together, and what was found."""
    groups: list[list[Utterance]] = []
    pieces: dict[Path, list[Utterance]] = {}
    for item in utterances:
        if item.offset is None:
            groups.append([item])
        elif item.audio in pieces:
            pieces[item.audio].append(item)
        else:
            pieces[item.audio] = [item]
            groups.append(pieces[item.audio])
    batches = [groups[i : i + _BATCH] for i in range(0, len(groups), _BATCH)]
    threads = os.cpu_count() or 1
    findings = prefetch_map(partial(_look, decoded=decoded), batches, threads, threads * _WAITING)
    return zip(batches, findings, strict=True)


def _look(groups: Sequence[Sequence[Utterance]], decoded: bool) -> list[Probe | AudioError]:
    found: list[Probe | AudioError] = []
    for items in groups:
        longest = MAX_READ_SECONDS if items[0].offset is None else MAX_STREAMED_SECONDS
        try:
            found.append((decode if decoded else probe)(items[0].audio, longest))
        except AudioError as error:
            found.append(error)
    return found

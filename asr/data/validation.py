"""What is wrong with manifests and the audio that they list."""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from asr.audio.probe import Probe, decode, probe
from asr.audio.read import MAX_READ_SECONDS
from asr.data.manifest import (
    DURATION_TOLERANCE,
    Problem,
    Utterance,
    fits,
    scan_manifest,
    unknown_characters,
)
from asr.errors import AudioError
from asr.prefetch import prefetch_map
from asr.text import Vocabulary

SHOWN = 50
"""Problems that are printed on a terminal."""
_CHUNK = 32  # files that a thread takes at a time
_WAITING = 8  # chunks for each thread


@dataclass(frozen=True)
class Validation:
    """The ``utterances`` of a manifest and its ``problems``, both in its order; ``formats`` counts
    its recordings by rate (Hz) and channels."""

    path: Path
    utterances: list[Utterance]
    problems: list[Problem]
    formats: Counter[tuple[int, int]]

    @property
    def summary(self) -> str:
        """One line: utterances, minutes, formats, the number of problems."""
        seconds = sum(item.duration for item in self.utterances)
        formats = "".join(
            f"{count} at {rate} Hz{'' if channels == 1 else f' with {channels} channels'}, "
            for (rate, channels), count in self.formats.most_common()
        )
        return (
            f"{self.path}: {len(self.utterances)} utterances, {seconds / 60:.2f} min, {formats}"
            f"{len(self.problems)} problems"
        )


def validate(
    path: str | Path,
    vocabulary: Vocabulary | None = None,
    num_frames: Callable[[float], int] | None = None,
    decoded: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Validation:
    """Read a manifest and the headers of all audio that it lists, or, ``decoded``, all of it.

    Kinds of problems: ``line`` and ``id`` as :func:`asr.data.manifest.scan_manifest` has them;
    ``audio`` that cannot be read; ``truncated`` or damaged audio; a ``duration`` that is not the
    audio's; with a ``vocabulary``, ``characters`` outside it, and with ``num_frames`` (seconds to
    encoder frames) the ``length`` of texts that do not fit in their audio. Works on as many threads
    as the machine has processors; ``progress`` gets the number of utterances done and of all.

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
    for items, findings in _look_ahead(utterances, decoded):
        for item, found in zip(items, findings, strict=True):
            problem = partial(Problem, path, item.line, id=item.id)
            if isinstance(found, AudioError):
                problems.append(problem("audio", str(found)))
                continue
            formats[found.rate, found.channels] += 1
            for warning in found.warnings:
                problems.append(problem("truncated", f"{item.audio}: {warning}"))
            if abs(found.duration - item.duration) > DURATION_TOLERANCE:
                message = (
                    f"duration is {item.duration:.3f} s here, the audio has {found.duration:.3f} s"
                )
                problems.append(problem("duration", message))
            if vocabulary is not None and num_frames is not None and item.line not in flawed:
                if not fits(item, vocabulary, num_frames):
                    message = (
                        f"{len(item.text)} characters do not fit in {found.duration:.3f} s of audio"
                    )
                    problems.append(problem("length", message))
        done += len(items)
        progress(done, len(utterances))
    return Validation(path, utterances, sorted(problems, key=lambda x: x.line), formats)


def to_json_lines(problems: Iterable[Problem]) -> str:
    """A line for each problem: path, line, id, kind, message."""
    return "".join(
        json.dumps(
            {
                "path": str(problem.path),
                "line": problem.line,
                "id": problem.id,
                "kind": problem.kind,
                "message": problem.message,
            },
            ensure_ascii=False,
        )
        + "\n"
        for problem in problems
    )


def count_kinds(problems: Iterable[Problem]) -> list[str]:
    """A line for each kind, the most frequent first: how many there are, and in which manifests."""
    kinds: dict[str, Counter[Path]] = {}
    for problem in problems:
        kinds.setdefault(problem.kind, Counter())[problem.path] += 1
    return [
        f"{kind}: {paths.total()} ({', '.join(f'{n} in {path}' for path, n in paths.items())})"
        for kind, paths in sorted(kinds.items(), key=lambda pair: -pair[1].total())
    ]


def _look_ahead(
    utterances: Sequence[Utterance], decoded: bool
) -> Iterable[tuple[Sequence[Utterance], list[Probe | AudioError]]]:
    chunks = [utterances[i : i + _CHUNK] for i in range(0, len(utterances), _CHUNK)]
    threads = os.cpu_count() or 1
    findings = prefetch_map(partial(_look, decoded=decoded), chunks, threads, threads * _WAITING)
    return zip(chunks, findings, strict=True)


def _look(items: Sequence[Utterance], decoded: bool) -> list[Probe | AudioError]:
    found: list[Probe | AudioError] = []
    for item in items:
        try:
            found.append((decode if decoded else probe)(item.audio, MAX_READ_SECONDS))
        except AudioError as error:
            found.append(error)
    return found

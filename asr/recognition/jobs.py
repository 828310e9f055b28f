"""Jobs of transcription: which recordings are transcribed, and which files are written."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from asr.errors import DataError, OutputError
from asr.recognition.writers import file_stem

T = TypeVar("T")


@dataclass(frozen=True)
class Job:
    """A recording to transcribe, ``-`` for standard input, and the files that its transcript is
    written to, by their formats."""

    source: str
    outputs: Mapping[str, Path]


def plan_jobs(
    sources: Sequence[str],
    roots: Sequence[str | None] | None = None,
    *,
    folder: str | Path | None = None,
    formats: Sequence[str] = (),
    share: str | None = None,
    skip_existing: bool = False,
) -> list[Job]:
    """Return a job for each source, in their order.

    >>> plan_jobs(["a.wav", "b.wav", "c.wav"], share="2/2")
    [Job(source='b.wav', outputs={})]
    >>> plan_jobs(["a.wav"], folder="out", formats=["srt"])[0].outputs["srt"].as_posix()
    'out/a.srt'

    Args:
        sources: paths of recordings, ``-`` for standard input.
        roots: the folder that each of them was found in (:func:`output_paths`).
        folder: where transcripts are written; without one, jobs have no outputs.
        formats: names of the formats that each transcript is written in.
        share: "i/n" for this machine's share of the jobs (:func:`share_of`); None for all.
        skip_existing: leave out jobs whose outputs all exist.

    Raises:
        DataError: ``share`` is not i/n with 1 <= i <= n.
        OutputError: two sources, of any share, would be written to one file, or an output is one of
            the sources.
    """
    jobs = [Job(source, {}) for source in sources]
    if folder is not None:
        # Done for all sources, because two that claim one output may be in different shares.
        paths = output_paths(sources, folder, formats, roots)
        jobs = [
            Job(source, dict(zip(formats, outputs, strict=True)))
            for source, outputs in zip(sources, paths, strict=True)
        ]
    if share is not None:
        jobs = share_of(jobs, share)
    if skip_existing:
        jobs = [job for job in jobs if not all(path.exists() for path in job.outputs.values())]
    return jobs


def share_of(jobs: Sequence[T], share: str) -> list[T]:
    """Return every n-th job from the i-th on, for ``share`` "i/n"; all shares together are all
    jobs.

    >>> share_of(["a", "b", "c", "d", "e"], "2/3")
    ['b', 'e']

    Raises:
        DataError: ``share`` is not i/n with 1 <= i <= n.
    """
    match = re.fullmatch(r"(\d+)/(\d+)", share)
    index, count = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= index <= count:
        raise DataError(f"--shard {share}: a shard is I/N with 1 <= I <= N, such as 2/8")
    return list(jobs[index - 1 :: count])


def output_paths(
    sources: Sequence[str | Path],
    folder: str | Path,
    formats: Sequence[str],
    roots: Sequence[str | Path | None] | None = None,
) -> list[list[Path]]:
    """Return the path ``folder/<stem>.<format>`` for every source and format.

    ``roots`` has for every source the input folder in which it was found, or None if it was named
    itself. The folders between a root and its source are repeated under ``folder``.

    >>> output_paths(["in/a.wav", "b.wav"], "out", ["srt"], roots=["in", None])[0][0].as_posix()
    'out/a.srt'

    Raises:
        OutputError: two sources would be written to one file, or an output is one of the sources.
    """
    claims: dict[Path, str | Path] = {}
    inputs = {Path(source).absolute() for source in sources}
    paths = []
    for source, root in zip(sources, roots or [None] * len(sources), strict=True):
        place = Path(folder)
        if root is not None:
            place /= Path(source).relative_to(root).parent
        paths.append([place / f"{file_stem(source)}.{name}" for name in formats])
        for path in paths[-1]:
            if path in claims:
                raise OutputError(
                    f"{claims[path]} and {source} would both be written to {path}; "
                    "transcribe them into different folders"
                )
            if path.absolute() in inputs:
                raise OutputError(f"{path} is an input; choose another output folder")
            claims[path] = source
    return paths

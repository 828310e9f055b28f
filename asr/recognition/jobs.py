"""Jobs of transcription: which recordings are transcribed, and which files are written."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from asr.audio.inputs import Piece
from asr.errors import DataError, OutputError
from asr.recognition.names import distinct_names, numbered, safe_name
from asr.recognition.writers import column, file_stem

T = TypeVar("T")


@dataclass(frozen=True)
class Job:
    """A recording to transcribe, ``-`` for standard input, or a piece of one, and the files that
    its transcript is written to, by their formats.

    ``id`` is that in a manifest, None without one. ``name`` is the recording in outputs that hold
    several; None stands for the name of the file without its suffix.
    """

    source: str | Piece
    outputs: Mapping[str, Path]
    id: str | None = None
    name: str | None = None


def plan_jobs(
    sources: Sequence[str | Piece],
    roots: Sequence[str | None] | None = None,
    ids: Sequence[str | None] | None = None,
    *,
    folder: str | Path | None = None,
    formats: Sequence[str] = (),
    share: str | None = None,
    skip_existing: bool = False,
) -> list[Job]:
    """Return a job for each source, in their order.

    >>> [job.source for job in plan_jobs(["a.wav", "b.wav", "c.wav"], share="2/2")]
    ['b.wav']
    >>> [job.name for job in plan_jobs(["x/a.wav", "y/a.wav", "b.wav"])]
    ['x/a', 'y/a', None]
    >>> plan_jobs(["a.wav"], folder="out", formats=["srt"])[0].outputs["srt"].as_posix()
    'out/a.srt'

    Args:
        sources: paths of recordings, ``-`` for standard input, or pieces.
        roots: the folder that each of them was found in (:func:`output_paths`).
        ids: of each of them in its manifest, None without one.
        folder: where transcripts are written; without one, jobs have no outputs.
        formats: names of the formats that each transcript is written in.
        share: "i/n" for this machine's share of the jobs (:func:`share_of`); None for all.
        skip_existing: leave out jobs whose outputs all exist.

    Raises:
        DataError: ``share`` is not i/n with 1 <= i <= n.
        OutputError: two sources, of any share, would be written to one file, or an output is one of
            the sources.
    """
    # Done for all sources, because those that claim one name or output may be in different shares.
    ids = ids or [None] * len(sources)
    names = _names(sources, ids)
    jobs = [Job(source, {}, *rest) for source, *rest in zip(sources, ids, names, strict=True)]
    if folder is not None:
        paths = output_paths(sources, folder, formats, roots, ids)
        jobs = [
            replace(job, outputs=dict(zip(formats, outputs, strict=True)))
            for job, outputs in zip(jobs, paths, strict=True)
        ]
    if share is not None:
        jobs = share_of(jobs, share)
    if skip_existing:
        jobs = [job for job in jobs if not all(path.exists() for path in job.outputs.values())]
    return jobs


def _names(sources: Sequence[str | Piece], ids: Sequence[str | None]) -> list[str | None]:
    """Return the names of recordings in outputs that hold several: ids, or the shortest ends of
    paths that differ; None where that is the name of the file without its suffix."""
    given = iter(numbered([column(id) for id in ids if id is not None]))
    names = [None if id is None else next(given) for id in ids]
    others = [place for place, id in enumerate(ids) if id is None]
    paths = [column(os.path.splitext(_path(sources[place]))[0]) for place in others]
    paths = ["stdin" if path == "-" else path for path in paths]
    taken = {name for name in names if name is not None}
    for place, name in zip(others, distinct_names(paths, taken), strict=True):
        names[place] = None if name == column(file_stem(_path(sources[place]))) else name
    return names


def _path(source: str | Path | Piece) -> str:
    return str(source.path if isinstance(source, Piece) else source)


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
    sources: Sequence[str | Path | Piece],
    folder: str | Path,
    formats: Sequence[str],
    roots: Sequence[str | Path | None] | None = None,
    ids: Sequence[str | None] | None = None,
) -> list[list[Path]]:
    """Return the path ``folder/<stem>.<format>`` for every source and format.

    ``roots`` has for every source the input folder in which it was found, or None if it was named
    itself. The folders between a root and its source are repeated under ``folder``. The stem of a
    piece is its id.

    >>> output_paths(["in/a.wav", "b.wav"], "out", ["srt"], roots=["in", None])[0][0].as_posix()
    'out/a.srt'

    Raises:
        OutputError: two sources would be written to one file, or an output is one of the sources.
    """
    claims: dict[Path, str | Path | Piece] = {}
    inputs = {Path(_path(source)).absolute() for source in sources}
    paths = []
    nothing = [None] * len(sources)
    for source, root, id in zip(sources, roots or nothing, ids or nothing, strict=True):
        place = Path(folder)
        path = _path(source)
        stem = safe_name(id) if isinstance(source, Piece) and id else file_stem(path)
        if root is not None:
            place /= Path(path).relative_to(root).parent
        paths.append([place / f"{stem}.{name}" for name in formats])
        for output in paths[-1]:
            if output in claims:
                raise OutputError(
                    f"{claims[output]} and {source} would both be written to {output}; "
                    "transcribe them into different folders"
                )
            if output.absolute() in inputs:
                raise OutputError(f"{output} is an input; choose another output folder")
            claims[output] = source
    return paths

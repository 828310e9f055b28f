"""``asr bulk`` transcribes archives on a cluster."""

import os
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import click

from asr.cli.options import (
    batch_size_option,
    decodes,
    device_option,
    model_option,
    verbatim_option,
)
from asr.counts import counted
from asr.errors import AudioError, needs_extra
from asr.recognition.formats import FORMATS

OTHERS = [name for name in FORMATS if name != "json"]
"""The formats of files beside the parts, which hold what json does."""


@click.command()
@click.argument(
    "source",
    help="A folder of recordings, a manifest, a table of Parquet or JSON Lines with a column of "
    "paths, tar archives (WebDataset), or a folder of these; a path, a pattern in quotes, or a URL "
    "(s3://, gs://, hdfs://, https://).",
)
@click.option(
    "--output-dir",
    "-o",
    required=True,
    metavar="DEST",
    help="Write parts to this folder, a path that all machines have or a URL; a second call goes "
    "on where the first has stopped.",
)
@click.option(
    "--parts",
    type=click.Choice(["parquet", "jsonl"]),
    default="parquet",
    help="Format of the parts.",
)
@click.option(
    "--format",
    "-f",
    "formats",
    type=click.Choice(OTHERS),
    multiple=True,
    help="Write DEST/FORMAT/<name>.FORMAT for every recording as well; repeatable.",
)
@model_option
@click.option(
    "--address",
    metavar="ADDRESS",
    help="The address of a cluster of Ray that runs; auto: the one that this machine belongs to.  "
    "[default: this machine alone]",
)
@click.option(
    "--path-column",
    metavar="NAME",
    help="The column of paths in tables.  [default: audio_filepath, path, audio, file or url]",
)
@click.option(
    "--max-failed",
    type=click.IntRange(min=0),
    metavar="N",
    help="End when more recordings than this could not be transcribed.  [default: never]",
)
@click.option(
    "--retry-failed", is_flag=True, help="Try those again that have failed in an earlier call."
)
@click.option(
    "--time-limit",
    type=click.FloatRange(min=0, min_open=True),
    default=300.0,
    metavar="S",
    help="Set a recording aside of which nothing has come for so long.",
)
@click.option(
    "--memory-limit",
    type=click.IntRange(min=256),
    default=4096,
    metavar="MIB",
    help="Set a recording aside that takes more memory; each processor may use so much.",
)
@batch_size_option
@device_option
@verbatim_option
@decodes
def bulk(
    source: str,
    output_dir: str,
    parts: str,
    formats: tuple[str, ...],
    model: Path | None,
    address: str | None,
    path_column: str | None,
    max_failed: int | None,
    retry_failed: bool,
    time_limit: float,
    memory_limit: int,
    batch_size: int,
    device: str,
    verbatim: bool,
    search: dict[str, Any],
) -> None:
    """Transcribe an archive on all cores of this machine, or on a cluster.

    DEST gets parts, tables with a row for each recording: text, words with times and confidences,
    segments, duration, warnings, and the columns of SOURCE. Each recording is in exactly one part,
    whatever stops on the way. One that cannot be transcribed, or takes its worker with it, stands
    in DEST/errors with the reason; the others go on, and the exit code is 1.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before anything imports numpy
    with needs_extra("asr bulk needs", "ray"):
        from asr.bulk.job import Job
    from asr.bulk.options import Limits, Options
    from asr.cli.progress import BulkProgress

    gpus = 0.0 if device == "cpu" else 1.0
    options = Options(
        model=None if model is None else model.absolute(),
        device=device,
        display=not verbatim,
        search=search,
        batch_size=batch_size,
        formats=tuple(dict.fromkeys(formats)),
        limits=Limits(seconds=time_limit, memory=memory_limit, gpus=gpus),
    )
    job = Job(source, output_dir, options, parts, address, path_column, max_failed, retry_failed)
    # Ray tells of lost machines and workers on standard output, many lines for each.
    with (
        open(os.devnull, "w") as nowhere,
        BulkProgress() as progress,
        redirect_stdout(nowhere),
    ):
        done, before = job.run(progress.show)
    if before:
        print(f"{counted(before, 'recording')} done in earlier calls", file=sys.stderr)
    print(
        f"{counted(done.done - done.failed, 'recording')} transcribed, {done.hours:.2f} h, "
        f"{done.speed:.0f}× real time",
        file=sys.stderr,
    )
    if done.failed:
        raise AudioError(
            f"{done.failed} of {counted(done.done, 'recording')} could not be transcribed; "
            f"{output_dir}/errors says why"
        )

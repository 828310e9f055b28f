"""``asr transcribe`` turns recordings into text."""

import gc
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import asr
from asr.cli.options import (
    PATH,
    batch_size_option,
    decodes,
    device_option,
    model_option,
    verbatim_option,
)
from asr.counts import counted
from asr.errors import AsrError, AudioError
from asr.recognition.formats import FORMATS, TOGETHER, Format

if TYPE_CHECKING:
    from asr.audio.inputs import Piece
    from asr.recognition.transcript import Transcript

_ONE_FIELD = str.maketrans({"\t": "\\t", "\n": "\\n", "\r": "\\r"})
"""What names hold that divides fields and lines of the output, and what is written for it."""


@click.command()
@click.argument(
    "audio",
    nargs=-1,
    required=True,
    help="Audio files, folders of them, patterns such as 'in/**/*.wav', .jsonl manifests; - is "
    "standard input. WAV, FLAC, MP3, Ogg/Opus, M4A, WebM, SPHERE and others; also the sound of "
    "videos.",
)
@click.option(
    "--format",
    "-f",
    type=click.Choice(Format),
    default=Format.txt,
    help="Format of the output; all needs --output-dir.",
)
@click.option(
    "--output-dir",
    "-o",
    type=PATH,
    metavar="DIR",
    help="Write DIR/<stem>.<format> for every input; files from subfolders of an input folder go "
    "to the same subfolders of DIR.",
)
@model_option
@batch_size_option
@device_option
@click.option("--skip-existing", is_flag=True, help="Skip inputs whose output files exist.")
@click.option(
    "--shard",
    metavar="I/N",
    help="Transcribe only every N-th input, beginning with the I-th, so that N jobs of a job array "
    "share the work; on a cluster of Ray, asr bulk shares it out itself.",
)
@click.option(
    "--raw-rate",
    type=click.IntRange(min=1),
    metavar="HZ",
    help="Read standard input as raw samples (16-bit little-endian mono) of this rate.",
)
@click.option(
    "--endpoint-seconds",
    type=click.FloatRange(0.2, 10),
    metavar="S",
    help="End a segment of standard input or a named pipe after a pause of this length.  "
    "[default: 0.8]",
)
@click.option(
    "--max-line-width",
    type=click.IntRange(min=1),
    metavar="N",
    help="Most characters in a line of srt and vtt.",
)
@click.option(
    "--max-line-count",
    type=click.IntRange(min=1),
    metavar="N",
    help="Most lines in a subtitle; needs --max-line-width.",
)
@click.option(
    "--max-words-per-line",
    type=click.IntRange(min=1),
    metavar="N",
    help="Most words in a subtitle; not together with --max-line-width.",
)
@click.option(
    "--highlight-words", is_flag=True, help="Underline each word of srt and vtt while it is said."
)
@verbatim_option
@decodes
def transcribe(
    audio: tuple[str, ...],
    format: Format,
    output_dir: Path | None,
    model: Path | None,
    batch_size: int,
    device: str,
    skip_existing: bool,
    shard: str | None,
    raw_rate: int | None,
    endpoint_seconds: float | None,
    max_line_width: int | None,
    max_line_count: int | None,
    max_words_per_line: int | None,
    highlight_words: bool,
    verbatim: bool,
    search: dict[str, Any],
) -> None:
    """Transcribe audio files of any length.

    For one input, each segment of speech is printed as a line as soon as it is recognised; with a
    tagger, those of some minutes come together. For several inputs, a line holds the path, or the
    id in a manifest, a tab and the text. With -f json, a line is a JSON object. A file that cannot
    be read is reported, the others are transcribed, and the exit code is 1.

    Standard input and named pipes are transcribed while they are still going on. A segment is
    printed as soon as the pause after it is long enough, or when it has lasted 15 s; on a terminal,
    the words that may still change are shown in grey until then. If the recording is a file, name
    the file instead: what comes later helps to recognise what came before.
    """
    _start_quickly()
    if format is Format.all and output_dir is None:
        raise click.BadParameter("'all' needs --output-dir", param_hint="--format")
    if skip_existing and output_dir is None:
        raise click.BadParameter("needs --output-dir", param_hint="--skip-existing")
    if raw_rate is not None and "-" not in audio:
        raise click.BadParameter("is for standard input: AUDIO is -", param_hint="--raw-rate")
    from asr.model.directory import default_model
    from asr.model.session import AcousticSession
    from asr.prefetch import begin

    load: Callable[[], AcousticSession] = partial(AcousticSession, model or default_model())
    if device == "cpu" and not skip_existing:  # else there may be nothing to do
        load = begin(load)  # while the rest is imported and the inputs are found
    from asr.cli.captions import Captions
    from asr.data.audio_files import find_audio_files
    from asr.files import write_atomically
    from asr.recognition.jobs import plan_jobs, share_of
    from asr.recognition.recordings import is_live
    from asr.recognition.subtitles import SubtitleOptions
    from asr.recognition.writers import INCREMENTAL, render, stream

    if endpoint_seconds is not None and not any(map(is_live, audio)):
        raise click.BadParameter(
            "is for standard input and named pipes", param_hint="--endpoint-seconds"
        )
    subtitles = SubtitleOptions(max_line_width, max_line_count, max_words_per_line, highlight_words)
    sources = find_audio_files(audio, lambda message: print(f"note: {message}", file=sys.stderr))
    if output_dir is None and len(sources) > 1 and format not in TOGETHER:
        raise click.BadParameter(f"{format} of several inputs needs --output-dir")
    formats = list(FORMATS) if format is Format.all else [str(format)]
    jobs = plan_jobs(
        [source.source for source in sources],
        [source.root for source in sources],
        [source.id for source in sources],
        folder=output_dir,
        formats=formats,
        share=shard,
        skip_existing=skip_existing,
    )
    wanted = len(sources if shard is None else share_of(sources, shard))
    if skipped := wanted - len(jobs):
        print(f"{counted(skipped, 'input')} skipped: transcribed already", file=sys.stderr)
    if not jobs:
        return
    if device == "cpu":
        from asr.recognition.transcriber import Transcriber

        transcriber = Transcriber(model, session=load(), display=not verbatim, **search)
    else:
        transcriber = asr.load(model, device=device, display=not verbatim, **search)
    live = {} if endpoint_seconds is None else {"endpoint_seconds": endpoint_seconds}
    if output_dir is None and len(sources) == 1 and format in INCREMENTAL:
        source = jobs[0].source
        captions = Captions()
        segments = transcriber.stream(
            source, raw_rate, lambda partial: captions.show(partial.text), **live
        )
        for text in stream(format, source, segments, subtitles, jobs[0].name):
            captions.clear()
            print(text, end="", flush=True)
        captions.clear()
        assert segments.transcript is not None
        _warn(source, segments.transcript)
        return
    from asr.cli.progress import TranscriptionProgress  # rich, which one input does without

    settings = {"decoder": transcriber.decoder, **search}
    failed = 0
    with TranscriptionProgress([job.source for job in jobs]) as progress:
        results = transcriber.transcribe_many(
            [job.source for job in jobs], batch_size, raw_rate, progress.heard, **live
        )
        for job, result in zip(jobs, results, strict=True):
            if isinstance(result, AsrError):
                print(f"error: {result}", file=sys.stderr)
                failed += 1
                progress.finished(0.0)
                continue
            _warn(job.source, result)
            write = partial(
                render,
                source=job.source,
                transcript=result,
                options=subtitles,
                settings=settings,
                id=job.id,
                name=job.name,
            )
            for name, path in job.outputs.items():
                write_atomically(path, write(name))
            if output_dir is None:
                text = write(format)
                if format is Format.txt and len(sources) > 1:
                    name = str(job.id or job.source).translate(_ONE_FIELD)
                    text = f"{name}\t{result.display}\n"
                print(text, end="", flush=True)
            progress.finished(result.duration)
    if failed and len(sources) > 1:
        raise AudioError(f"{failed} of {counted(len(jobs), 'input')} could not be transcribed")
    if failed:
        raise click.exceptions.Exit(1)


def _start_quickly() -> None:
    """Spare what a quarter of the processor time of a short recording would go to.

    Call it before anything imports numpy.
    """
    # The threads of numpy's matrix library would wait, busily, for products that never come.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Imports make many objects, of which none is garbage: it is looked for later.
    gc.set_threshold(50_000)
    # The thread that loads the model waits a shorter time for its turn beside the imports.
    sys.setswitchinterval(5e-4)


def _warn(source: "str | Piece", transcript: "Transcript") -> None:
    for warning in transcript.warnings:
        print(f"warning: {source}: {warning}", file=sys.stderr)

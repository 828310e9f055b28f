"""``asr serve`` answers requests over HTTP."""

import gc
import os
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

import click

import asr
from asr.cli.options import PATH, decodes, model_option, verbatim_option

PREFIX = "ASR_SERVE"
"""Environment variables that begin so are options."""


@click.command(context_settings={"auto_envvar_prefix": PREFIX})
@model_option
@click.option("--host", default="127.0.0.1", metavar="ADDRESS", help="Listen at this address.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    metavar="N",
    help="Listen at this port; 0: any free one.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    metavar="N",
    help="Recognise this much at once, in one process.  [default: one for each core, at most 8]",
)
@click.option(
    "--api-key-file",
    type=PATH,
    metavar="FILE",
    help="Ask clients for one of the keys in this file, which has one on each line.",
)
@click.option(
    "--no-auth",
    is_flag=True,
    help="Ask for no key, though other machines can reach the address.",
)
@click.option(
    "--allow-host",
    multiple=True,
    metavar="NAME",
    help="Answer to this name as well; localhost and addresses need not be named; repeatable.",
)
@click.option(
    "--allow-origin",
    multiple=True,
    metavar="ORIGIN",
    help="Let pages of this origin, such as https://example.org, use the server; repeatable.",
)
@click.option(
    "--language",
    metavar="CODE",
    help="The language of the model, such as de; requests for another one are refused.  "
    "[default: en for the model in the package, else any]",
)
@click.option(
    "--max-upload",
    type=click.IntRange(min=1),
    default=512,
    metavar="MIB",
    help="Refuse larger files.",
)
@click.option(
    "--max-hours",
    type=click.FloatRange(min=0, min_open=True, max=24),
    default=4.0,
    metavar="X",
    help="Refuse longer recordings, and end longer live sessions.",
)
@click.option(
    "--max-queue",
    type=click.IntRange(min=1),
    default=512,
    metavar="N",
    help="Refuse recordings while so many are recognised or wait.",
)
@click.option(
    "--max-live",
    type=click.IntRange(min=1),
    default=16,
    metavar="N",
    help="Refuse live sessions while there are so many.",
)
@click.option(
    "--vosk-rate",
    type=click.IntRange(4000, 384_000),
    default=8000,
    metavar="HZ",
    help="The sample rate of clients of the Vosk protocol that name none.",
)
@click.option(
    "--stop-seconds",
    type=click.IntRange(min=0),
    default=30,
    metavar="N",
    help="Give running work this time to end when the server is stopped.",
)
@verbatim_option
@decodes
def serve(
    model: Path | None,
    host: str,
    port: int,
    workers: int | None,
    api_key_file: Path | None,
    no_auth: bool,
    allow_host: tuple[str, ...],
    allow_origin: tuple[str, ...],
    language: str | None,
    max_upload: int,
    max_hours: float,
    max_queue: int,
    max_live: int,
    vosk_rate: int,
    stop_seconds: int,
    verbatim: bool,
    search: dict[str, Any],
) -> None:
    """Serve transcriptions over HTTP.

    Clients of OpenAI's interface find it at http://ADDRESS:N/v1. The address is printed when the
    server listens; GET /health answers 200 when the model is loaded. SIGTERM lets running work end,
    refuses what waits, and ends with exit code 0. Every option can be given as an environment
    variable, such as ASR_SERVE_PORT. What is uploaded is kept in files without names while it is
    recognised, and what was said is not logged.
    """
    _check_environment(click.get_current_context().command)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before anything imports numpy
    gc.set_threshold(50_000)  # imports make many objects, of which none is garbage
    from asr.errors import needs_extra
    from asr.prefetch import begin
    from asr.serving.settings import Settings, read_keys

    settings = Settings(
        model=model,
        search=search,
        host=host.lower(),
        port=port,
        workers=workers or 0,
        keys=read_keys(api_key_file) if api_key_file else (),
        no_auth=no_auth,
        hosts=tuple(name.lower() for name in allow_host),
        origins=tuple(origin.lower().rstrip("/") for origin in allow_origin),
        language=language,
        max_upload=max_upload << 20,
        max_seconds=3600 * max_hours,
        max_queue=max_queue,
        max_live=max_live,
        live_seconds=3600 * max_hours,
        vosk_rate=vosk_rate,
        stop_seconds=stop_seconds,
    )
    # The model is loaded while the libraries of the server are imported.
    display = not verbatim
    load = begin(partial(asr.load, model, threads=settings.workers, display=display, **search))
    with needs_extra("asr serve needs", "serve"):
        from asr.serving.run import serve as run
    run(settings, load)


def _check_environment(command: click.Command) -> None:
    """Refuse variables of the environment that look like options but are none."""
    known = [str(option.name).upper() for option in command.params]
    for name in sorted(os.environ):
        own = name.removeprefix(f"{PREFIX}_")
        if own != name and own not in known:
            near = get_close_matches(own, known, 1)
            advice = f"did you mean {PREFIX}_{near[0]}?" if near else "see asr serve --help"
            raise click.UsageError(f"the environment variable {name} is no option; {advice}")
